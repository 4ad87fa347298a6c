// Stands between a client and a server and notes what goes over the wire.
import {createServer} from "node:http";
import {once} from "node:events";

/** Passes requests on to a server; gives the URL, what was seen, and what ends it. */
export async function record(target) {
    const seen = [];
    const server = createServer(async (request, response) => {
        const chunks = [];
        for await (const chunk of request)
            chunks.push(chunk);
        const body = Buffer.concat(chunks);
        const exchange = {method: request.method, path: request.url, request: parse(body), status: 0, response: ""};
        seen.push(exchange);

        // An answer in the clear can be read here.
        const {host, "accept-encoding": _, "content-length": __, connection, ...headers} = request.headers;
        const answer = await fetch(target + request.url, {method: request.method, headers, body: body.length > 0 ? body : undefined});
        exchange.status = answer.status;
        response.writeHead(answer.status, {"content-type": answer.headers.get("content-type") ?? "text/plain"});
        const decoder = new TextDecoder();
        for await (const chunk of answer.body ?? []) {
            exchange.response += decoder.decode(chunk, {stream: true});
            response.write(chunk);
        }
        response.end();
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return {url: `http://127.0.0.1:${server.address().port}`, seen, stop: () => server.close()};
}

/** The data of the events of a stream. */
export const events = stream => [...stream.matchAll(/^data: (.*)$/gm)].map(([, data]) => JSON.parse(data));

function parse(body) {
    try {
        return JSON.parse(body);
    } catch {
        return null;
    }
}
