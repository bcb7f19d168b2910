import { Dialog } from "../look";
import { useStore } from "./context";

export function AboutDialog({ onClose }: { onClose: () => void }) {
  const boot = useStore().boot.value;
  return (
    <Dialog onClose={onClose} title="About">
      <div class="body">
        <p>
          <b>swarmer</b> is a load engine for stateful user journeys: Locust's way of working, in Rust, with numbers one
          can trust.
        </p>
        <dl class="pairs">
          <dt>Engine</dt>
          <dd>swarmer {boot?.engine_version}</dd>
          <dt>Workload</dt>
          <dd>
            {boot?.workload} {boot?.workload_version}
          </dd>
          {boot?.signed_in && (
            <>
              <dt>Signed in as</dt>
              <dd>{boot.signed_in}</dd>
            </>
          )}
          <dt>Licence</dt>
          <dd>MIT or Apache-2.0</dd>
        </dl>
        <p class="muted small">
          Response times run to the last byte of the body. Percentiles come from histograms that are exact to 0.1 %; p95
          in the top bar is that of the last ten seconds. Figures of a generator that was late itself are marked as
          suspect.
        </p>
      </div>
    </Dialog>
  );
}
