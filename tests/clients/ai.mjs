// npm ai with @ai-sdk/openai-compatible.
import assert from "node:assert/strict";
import {createOpenAICompatible} from "@ai-sdk/openai-compatible";
import {generateText, jsonSchema, Output, stepCountIs, streamText, tool} from "ai";
import {citySchema, france, model, paris, tooLong, weather, weatherAnswer, weatherResult, weatherTool} from "./facts.mjs";

export function tests(url, untilIdle) {
    const provider = createOpenAICompatible({name: "cpumoe", baseURL: `${url}/v1`, includeUsage: true, supportsStructuredOutputs: true});
    const settings = {model: provider(model), temperature: 0, maxRetries: 0, providerOptions: {cpumoe: {reasoningEffort: "none"}}};
    return {
        async "chat and usage"() {
            const answer = await generateText({...settings, prompt: france});
            assert.equal(answer.text, paris);
            assert.equal(answer.finishReason, "stop");
            assert.ok(answer.usage.inputTokens > 0 && answer.usage.outputTokens > 0);
        },
        async "stream with usage"() {
            const stream = streamText({...settings, prompt: france});
            let text = "";
            for await (const part of stream.textStream)
                text += part;
            assert.equal(text, paris);
            assert.ok((await stream.usage).outputTokens > 0);
        },
        async "tool, result, answer, streamed"() {
            const cities = [];
            const get_weather = tool({
                description: weatherTool.description,
                inputSchema: jsonSchema(weatherTool.parameters),
                execute: ({city}) => { cities.push(city); return JSON.parse(weatherResult); },
            });
            const stream = streamText({
                ...settings,
                prompt: weather,
                tools: {get_weather},
                stopWhen: stepCountIs(2),
                prepareStep: ({stepNumber}) => ({toolChoice: stepNumber === 0 ? "required" : "none"}),
            });
            const text = await stream.text;
            assert.deepEqual([...new Set(cities)], ["Oslo"]);
            assert.match(text, /^The weather in Oslo is cloudy/);
        },
        async "thinking on"() {
            const answer = await generateText({...settings, prompt: france, providerOptions: {cpumoe: {reasoningEffort: "high"}}});
            assert.ok(answer.reasoningText.length > 0);
            assert.equal(answer.text, paris);
        },
        async "schema"() {
            const answer = await generateText({...settings, prompt: france, output: Output.object({schema: jsonSchema(citySchema)})});
            assert.ok(citySchema.properties.capital.enum.includes(answer.output.capital));
        },
        async "stop"() {
            assert.equal((await generateText({...settings, prompt: france, stopSequences: [" is"]})).text, "The capital of France");
        },
        async "abort"() {
            const abort = new AbortController();
            const stream = streamText({...settings, prompt: "Tell me a story.", temperature: 2, abortSignal: abort.signal, onError() {}});
            for await (const _ of stream.textStream)
                abort.abort();
            await untilIdle();
        },
        async "errors"() {
            await assert.rejects(generateText({...settings, model: provider("other"), prompt: france}), error => error.statusCode === 404);
            await assert.rejects(generateText({...settings, prompt: tooLong}), error => error.statusCode === 400 && !error.isRetryable);
        },
    };
}
