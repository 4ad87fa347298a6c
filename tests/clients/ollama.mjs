// npm ollama.
import assert from "node:assert/strict";
import {Ollama} from "ollama";
import {citySchema, france, model, paris, tooLong, weather, weatherAnswer, weatherResult, weatherTool} from "./facts.mjs";

export function tests(url, untilIdle) {
    const client = new Ollama({host: url});
    const settings = {model, think: false, options: {temperature: 0}};
    const ask = content => [{role: "user", content}];
    const chat = (content, more) => client.chat({...settings, messages: ask(content), ...more});
    return {
        async "models"() {
            const {models: [listed]} = await client.list();
            const shown = await client.show({model: listed.name});
            assert.ok(shown.capabilities.includes("tools"));
            assert.equal((await client.ps()).models.length, 1);
        },
        async "chat and usage"() {
            const answer = await chat(france);
            assert.equal(answer.message.content, paris);
            assert.deepEqual([answer.done, answer.done_reason], [true, "stop"]);
            assert.ok(answer.prompt_eval_count > 0 && answer.eval_count > 0 && answer.eval_duration > 0);
        },
        async "stream with usage"() {
            let text = "", last;
            for await (const part of await chat(france, {stream: true})) {
                text += part.message.content;
                last = part;
            }
            assert.equal(text, paris);
            assert.ok(last.done && last.eval_count > 0);
        },
        async "generate"() {
            assert.equal((await client.generate({...settings, prompt: france})).response, paris);
        },
        async "tool, result, answer"() {
            const messages = ask(weather), tools = [{type: "function", function: weatherTool}];
            const {message} = await client.chat({...settings, messages, tools});
            assert.deepEqual(message.tool_calls[0].function.arguments, {city: "Oslo"});
            messages.push(message, {role: "tool", tool_name: "get_weather", content: weatherResult});
            assert.equal((await client.chat({...settings, messages, tools})).message.content, weatherAnswer);
        },
        async "thinking on"() {
            const {message} = await chat(france, {think: true});
            assert.ok(message.thinking.length > 0);
            assert.equal(message.content, paris);
        },
        async "schema"() {
            const {message} = await chat(france, {format: citySchema});
            assert.ok(citySchema.properties.capital.enum.includes(JSON.parse(message.content).capital));
        },
        async "stop"() {
            assert.equal((await chat(france, {options: {temperature: 0, stop: [" is"]}})).message.content, "The capital of France");
        },
        async "logprobs"() {
            const {logprobs} = await chat(france, {logprobs: true, top_logprobs: 2});
            assert.equal(logprobs.map(entry => entry.token).join(""), paris);
        },
        async "abort"() {
            const stream = await chat("Tell me a story.", {stream: true, options: {temperature: 2}});
            await assert.rejects(async () => {
                for await (const _ of stream)
                    stream.abort();
            }, {name: "AbortError"});
            await untilIdle();
        },
        async "errors"() {
            await assert.rejects(chat(france, {model: "other"}), error => error.status_code === 404);
            await assert.rejects(chat(tooLong), error => error.status_code === 400 && /tokens/.test(error.message));
        },
    };
}
