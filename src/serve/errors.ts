// Errors of the HTTP API, in the shape that OpenAI's clients read.
import { InputError } from "../errors.ts";

/** The body of every answer that is not a success. */
export interface ErrorBody {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly param: string | null;
    readonly code: string | null;
  };
}

interface ErrorDetails {
  /** The field of the request that is wrong. */
  readonly param?: string;
  readonly code?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An answer other than success; the message is one sentence for the client's user. */
export class ApiError extends Error {
  override name = "ApiError";
  readonly status: number;
  readonly details: ErrorDetails;

  constructor(status: number, message: string, details: ErrorDetails = {}) {
    super(message);
    this.status = status;
    this.details = details;
  }
}

/** A request that is wrong in itself; sending it again will not help. */
export const badRequest = (message: string, param?: string) => new ApiError(400, message, { param });

/** What a thrown value means to a client: its own mistake, an answer we meant, or our bug, which it is told no more about. */
export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof InputError) return badRequest(asSentence(error.message));
  return new ApiError(500, "The server failed on this request; its log says why.", { code: "internal_error" });
}

/** Messages of the house also follow `error: ` on a command line; here they stand alone. What begins with a path stays as it is. */
const asSentence = (message: string) =>
  message.replace(/^\p{Ll}(?=\p{L}* )/u, (letter) => letter.toUpperCase()).replace(/([^.!?])$/, "$1.");

const types: Readonly<Record<number, string>> = {
  403: "permission_error",
  429: "rate_limit_error",
  500: "server_error",
  503: "service_unavailable",
};

export function errorBody({ status, message, details }: ApiError): ErrorBody {
  const type = types[status] ?? "invalid_request_error";
  return { error: { message, type, param: details.param ?? null, code: details.code ?? null } };
}

export function errorResponse(error: ApiError): Response {
  return Response.json(errorBody(error), { status: error.status, headers: error.details.headers });
}
