// The public face of serve/: models behind the API of OpenAI, and the page.
export { type ChatFormat, type ChatMessage, loadChatFormat } from "./chat-prompt.ts";
export { checkAddress, type RunningServer, type ServedAdapter, type ServeOptions, serve } from "./server.ts";
