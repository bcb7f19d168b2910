// Where a trace is found.

/**
 * The address of a trace by the template of `--trace-url`; null when there is no trace, no template, or one that a browser
 * should not be sent to (`javascript:` and the like).
 */
export function traceLink(template: string | null | undefined, trace: string): string | null {
  if (!template || !trace || !template.includes("{trace}")) return null;
  try {
    const url = new URL(template.replaceAll("{trace}", encodeURIComponent(trace)));
    return url.protocol === "http:" || url.protocol === "https:" ? url.href : null;
  } catch {
    return null;
  }
}
