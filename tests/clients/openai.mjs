// npm openai: chat completions and responses.
import assert from "node:assert/strict";
import OpenAI from "openai";
import {citySchema, france, model, paris, tooLong, weather, weatherAnswer, weatherResult, weatherTool} from "./facts.mjs";

const settings = {model, temperature: 0, reasoning_effort: "none"};
const ask = content => [{role: "user", content}];
const tools = [{type: "function", function: weatherTool}];

export function tests(url, untilIdle) {
    const client = new OpenAI({baseURL: `${url}/v1`, apiKey: "unused"});
    const chat = (content, more) => client.chat.completions.create({...settings, messages: ask(content), ...more});
    return {
        async "chat and usage"() {
            const {choices: [choice], usage} = await chat(france);
            assert.equal(choice.message.content, paris);
            assert.equal(choice.finish_reason, "stop");
            assert.equal(usage.prompt_tokens + usage.completion_tokens, usage.total_tokens);
        },
        async "stream with usage"() {
            let text = "", usage;
            for await (const chunk of await chat(france, {stream: true, stream_options: {include_usage: true}})) {
                text += chunk.choices[0]?.delta.content ?? "";
                usage = chunk.usage ?? usage;
            }
            assert.equal(text, paris);
            assert.ok(usage.completion_tokens > 0);
        },
        async "tool, result, answer"() {
            const messages = ask(weather);
            const call = (await client.chat.completions.create({...settings, messages, tools, tool_choice: "required", parallel_tool_calls: false})).choices[0];
            assert.equal(call.finish_reason, "tool_calls");
            assert.deepEqual(JSON.parse(call.message.tool_calls[0].function.arguments), {city: "Oslo"});
            messages.push(call.message, {role: "tool", tool_call_id: call.message.tool_calls[0].id, content: weatherResult});
            assert.equal((await client.chat.completions.create({...settings, messages, tools})).choices[0].message.content, weatherAnswer);
        },
        async "streamed tool call"() {
            const stream = client.chat.completions.stream({...settings, messages: ask(weather), tools, tool_choice: {type: "function", function: {name: "get_weather"}}, parallel_tool_calls: false});
            const [call] = (await stream.finalMessage()).tool_calls;
            assert.deepEqual(JSON.parse(call.function.arguments), {city: "Oslo"});
        },
        async "thinking on and off"() {
            const [on, off] = await Promise.all(["high", "none"].map(reasoning_effort => chat(france, {reasoning_effort})));
            assert.ok(on.choices[0].message.reasoning_content.length > 0);
            assert.ok(on.usage.completion_tokens_details.reasoning_tokens > 0);
            assert.equal(off.choices[0].message.reasoning_content, undefined);
        },
        async "schema"() {
            const answer = await chat(france, {response_format: {type: "json_schema", json_schema: {name: "city", strict: true, schema: citySchema}}});
            assert.ok(citySchema.properties.capital.enum.includes(JSON.parse(answer.choices[0].message.content).capital));
        },
        async "stop"() {
            assert.equal((await chat(france, {stop: [" is"]})).choices[0].message.content, "The capital of France");
        },
        async "logprobs"() {
            const {content} = (await chat(france, {logprobs: true, top_logprobs: 2})).choices[0].logprobs;
            assert.equal(content.map(entry => entry.token).join(""), paris);
            assert.ok(content.every(entry => entry.logprob <= 0 && entry.top_logprobs.length === 2));
        },
        async "abort"() {
            const stream = await chat("Tell me a story.", {stream: true, temperature: 2});
            for await (const _ of stream)
                break;
            stream.controller.abort();
            await untilIdle();
        },
        async "errors"() {
            await assert.rejects(chat(france, {model: "other"}), error => error instanceof OpenAI.NotFoundError && error.code === "model_not_found");
            await assert.rejects(chat(france, {temperature: 7}), error => error instanceof OpenAI.BadRequestError && error.param === "temperature");
            await assert.rejects(chat(tooLong), error => error.code === "context_length_exceeded");
        },
        async "responses: text, stream"() {
            const request = {model, temperature: 0, input: france, reasoning: {effort: "none"}};
            assert.equal((await client.responses.create(request)).output_text, paris);
            const types = [];
            let completed;
            for await (const event of await client.responses.create({...request, stream: true})) {
                types.push(event.type);
                completed = event.type === "response.completed" ? event.response : completed;
            }
            assert.equal(types[0], "response.created");
            assert.equal(completed.output[0].content[0].text, paris);
            assert.ok(completed.usage.output_tokens > 0);
        },
        async "responses: tool, result, answer"() {
            const input = ask(weather);
            const request = {model, temperature: 0, reasoning: {effort: "high"}, tools: [{type: "function", strict: false, ...weatherTool}]};
            const first = await client.responses.create({...request, input, tool_choice: "required", parallel_tool_calls: false});
            assert.deepEqual(first.output.map(item => item.type), ["reasoning", "function_call"]);
            input.push(...first.output, {type: "function_call_output", call_id: first.output[1].call_id, output: weatherResult});
            assert.equal((await client.responses.create({...request, input})).output_text, weatherAnswer);
        },
    };
}
