// npm @anthropic-ai/sdk.
import assert from "node:assert/strict";
import Anthropic from "@anthropic-ai/sdk";
import {citySchema, france, model, paris, tooLong, weather, weatherAnswer, weatherResult, weatherTool} from "./facts.mjs";

const settings = {model, max_tokens: 400, temperature: 0};
const ask = content => [{role: "user", content}];
const tools = [{name: weatherTool.name, description: weatherTool.description, input_schema: weatherTool.parameters}];

export function tests(url, untilIdle) {
    const client = new Anthropic({baseURL: url, apiKey: "unused"});
    const send = (content, more) => client.messages.create({...settings, messages: ask(content), ...more});
    return {
        async "message and usage"() {
            const message = await send(france);
            assert.deepEqual(message.content, [{type: "text", text: paris}]);
            assert.equal(message.stop_reason, "end_turn");
            const {input_tokens} = await client.messages.countTokens({model, messages: ask(france)});
            assert.equal(message.usage.input_tokens + message.usage.cache_read_input_tokens, input_tokens);
        },
        async "stream with usage"() {
            let text = "";
            const stream = client.messages.stream({...settings, messages: ask(france)}).on("text", delta => text += delta);
            const message = await stream.finalMessage();
            assert.equal(text, paris);
            assert.equal(message.content[0].text, paris);
            assert.ok(message.usage.output_tokens > 0);
        },
        async "tool, result, answer, streamed"() {
            const messages = ask(weather);
            const call = await client.messages.stream({...settings, messages, tools, tool_choice: {type: "any", disable_parallel_tool_use: true}}).finalMessage();
            assert.equal(call.stop_reason, "tool_use");
            assert.deepEqual(call.content[0].input, {city: "Oslo"});
            messages.push({role: "assistant", content: call.content}, {role: "user", content: [{type: "tool_result", tool_use_id: call.content[0].id, content: weatherResult}]});
            assert.equal((await client.messages.stream({...settings, messages, tools}).finalMessage()).content[0].text, weatherAnswer);
        },
        async "thinking on and off"() {
            const on = await client.messages.stream({...settings, messages: ask(france), thinking: {type: "adaptive"}}).finalMessage();
            assert.deepEqual(on.content.map(block => block.type), ["thinking", "text"]);
            assert.ok(on.content[0].signature.length > 0);
            const again = await send("And of Spain?", {thinking: {type: "adaptive"}, messages: [...ask(france), {role: "assistant", content: on.content}, ...ask("And of Spain?")]});
            assert.ok(again.usage.cache_read_input_tokens > 0);
            assert.deepEqual((await send(france, {thinking: {type: "disabled"}})).content.map(block => block.type), ["text"]);
        },
        async "schema"() {
            const answer = await send(france, {output_config: {format: {type: "json_schema", schema: citySchema}}});
            assert.ok(citySchema.properties.capital.enum.includes(JSON.parse(answer.content[0].text).capital));
        },
        async "stop"() {
            const answer = await send(france, {stop_sequences: [" is"]});
            assert.deepEqual([answer.content[0].text, answer.stop_reason, answer.stop_sequence], ["The capital of France", "stop_sequence", " is"]);
        },
        async "abort"() {
            const stream = await send("Tell me a story.", {stream: true, temperature: 1});
            for await (const _ of stream)
                break;
            stream.controller.abort();
            await untilIdle();
        },
        async "errors"() {
            await assert.rejects(send(france, {model: "other"}), error => error instanceof Anthropic.NotFoundError && error.requestID.startsWith("req_"));
            await assert.rejects(send(france, {max_tokens: 0}), error => error instanceof Anthropic.BadRequestError && /max_tokens/.test(error.message));
            await assert.rejects(send(tooLong), error => /prompt is too long: \d+ tokens > \d+ maximum/.test(error.message));
        },
    };
}
