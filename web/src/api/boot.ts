// What the server wrote into the page.
import type { Boot } from "./types";

export interface LoginPage {
  error: string | null;
  next: string;
  csrf?: string;
  workload?: string;
}

declare global {
  interface Window {
    /** For the live page. */
    swarmer?: Boot;
    /** For the sign-in page, which is the same bundle. */
    swarmerLogin?: LoginPage;
    /** Locust's own; for scripts that look at it. */
    templateArgs?: Record<string, unknown>;
  }
}

/** Where the server's root is, without a slash at the end, read from the page's own data or address. */
export function basePath(boot: Boot | undefined, pathname: string): string {
  if (boot) return boot.base_path.replace(/\/+$/, "");
  return pathname.replace(/\/(login|index\.html)?\/*$/, "");
}
