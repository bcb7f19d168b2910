// What stands in a tab while its data is on its way, or did not come.
import type { ComponentChildren } from "preact";
import type { Loaded } from "../../api/resource";
import { Empty, Icon } from "../../look";

interface Props<T> {
  of: Loaded<T>;
  children: (data: T) => ComponentChildren;
}

/** Figures that are held stay visible when the next ones do not come. */
export function Waiting<T>({ of, children }: Props<T>) {
  if (of.data === null) {
    if (of.error) {
      return (
        <div class="card">
          <Empty title="This could not be loaded">{of.error}. It is tried again with the next change.</Empty>
        </div>
      );
    }
    return (
      <div aria-busy="true" class="card skeleton">
        <span class="unseen">Loading …</span>
        {[90, 70, 80, 55, 65].map((width) => (
          <span key={width} style={{ width: `${width}%` }} />
        ))}
      </div>
    );
  }
  return (
    <>
      {of.error && (
        <p class="stale" role="status">
          <Icon name="warning" /> Older figures: {of.error}
        </p>
      )}
      {children(of.data)}
    </>
  );
}
