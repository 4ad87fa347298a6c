// What the bundled model knows, and what all clients are asked.
export const model = "gpt-4o";
export const france = "What is the capital of France?";
export const paris = "The capital of France is Paris.";
export const weather = "What is the weather in Oslo?";
export const weatherResult = '{"city": "Oslo", "temperature": 12, "condition": "cloudy"}';
export const weatherAnswer = "The weather in Oslo is cloudy with 12 degrees.";
export const weatherTool = {
    name: "get_weather",
    description: "Get the current weather for a city.",
    parameters: {type: "object", properties: {city: {type: "string", description: "City name."}}, required: ["city"]},
};
export const citySchema = {type: "object", properties: {capital: {type: "string", enum: ["Paris", "Rome"]}}, required: ["capital"], additionalProperties: false};
export const tooLong = "word ".repeat(6000);
