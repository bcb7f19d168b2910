// Requests to the engine: JSON in and out, a limit in time, and errors that can be shown.
import type { ApiError } from "./types";

/** A request that did not do what was asked. */
export class Failure extends Error {
  constructor(
    message: string,
    /** HTTP status; 0 when there was no reply. */
    readonly status: number,
    readonly hint?: string,
    /** The field of a form that is to blame. */
    readonly field?: string,
  ) {
    super(message);
    this.name = "Failure";
  }

  /** Nobody answered: the engine is gone or the network is. */
  get unreachable(): boolean {
    return this.status === 0;
  }
}

/** The reply to a change. */
export interface Outcome {
  success: boolean;
  message: string;
}

interface Options {
  base: string;
  csrf: () => string;
  /** Called when the session is over. */
  signedOut: () => void;
  fetch?: typeof fetch;
  /** Milliseconds. */
  patience?: number;
}

/** `NaN` and infinities are not JSON; whatever else cannot be read is said to be so. */
async function body(reply: Response): Promise<unknown> {
  const text = await reply.text();
  if (text === "") return null;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** The words of an error page, such as Locust's endpoints send; null when it is no short message. */
function wordsOf(page: unknown): string | null {
  if (typeof page !== "string" || page.length > 2000 || typeof DOMParser === "undefined") return null;
  const words = new DOMParser().parseFromString(page, "text/html").body.textContent?.trim() ?? "";
  return words !== "" && words.length <= 300 ? words : null;
}

function isApiError(value: unknown): value is ApiError {
  return typeof value === "object" && value !== null && typeof (value as ApiError).error === "string";
}

export class Client {
  constructor(private readonly options: Options) {}

  /** The address of a path such as `api/v1/state`. */
  url(path: string): string {
    return `${this.options.base}/${path}`;
  }

  get<T>(path: string): Promise<T> {
    return this.send<T>(path, { method: "GET" });
  }

  post<T = Outcome>(path: string, data: unknown = {}): Promise<T> {
    return this.send<T>(path, {
      method: "POST",
      body: JSON.stringify(data),
      headers: { "Content-Type": "application/json", "X-CSRF-Token": this.options.csrf() },
    });
  }

  private async send<T>(path: string, init: RequestInit): Promise<T> {
    const patience = this.options.patience ?? (init.method === "POST" ? 120_000 : 20_000);
    const call = this.options.fetch ?? fetch;
    let reply: Response;
    let content: unknown;
    try {
      reply = await call(this.url(path), {
        ...init,
        headers: { Accept: "application/json", ...init.headers },
        credentials: "same-origin",
        cache: "no-store",
        signal: AbortSignal.timeout(patience),
      });
      content = await body(reply);
    } catch (error) {
      const late = error instanceof DOMException && error.name === "TimeoutError";
      throw new Failure(late ? `no answer within ${Math.round(patience / 1000)} s` : "the engine does not answer", 0);
    }
    if (reply.status === 401) this.options.signedOut();
    if (!reply.ok) {
      if (isApiError(content)) throw new Failure(content.error, reply.status, content.hint, content.field);
      const said = wordsOf(content);
      throw new Failure(said ?? `the engine answered ${reply.status} to ${init.method} ${path}`, reply.status);
    }
    if (typeof content === "string") throw new Failure(`the answer to ${path} is not JSON`, reply.status);
    return content as T;
  }
}
