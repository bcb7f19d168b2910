// What is wrong with the page itself or with how it is served, above everything else.
import { useEffect, useState } from "preact/hooks";
import { format, Icon } from "../look";
import { useStore } from "./context";

export function Ribbons() {
  const store = useStore();
  const now = store.now.value;
  const boot = store.boot.value;
  const connection = store.connection.value;
  return (
    <aside aria-label="Notices">
      {boot?.exposed && (
        <div class="banner warn" role="note">
          <Icon name="warning" />
          <span>
            Anybody who reaches this address can start and stop load: it is open to the network without sign-in. Use{" "}
            <code>--web-login</code>, or <code>--web-host 127.0.0.1</code>.
          </span>
        </div>
      )}
      {connection.status === "lost" && <Lost {...connection} />}
      {connection.status === "live" && store.historyError.value && (
        <div class="banner warn" role="status">
          <Icon name="warning" />
          <span>Earlier figures could not be fetched ({store.historyError.value}); charts show what came since.</span>
        </div>
      )}
      {now && now.state !== "ready" && !store.beginning.value && !now.health.sound && now.health.text && (
        <div class="banner bad" role="status">
          <Icon name="warning" />
          <span>
            <b>Figures are suspect.</b> <Options text={now.health.text} />
          </span>
        </div>
      )}
    </aside>
  );
}

/** Names of options stay in one piece: a line that ends with "--" reads like a dash. */
function Options({ text }: { text: string }) {
  return <>{text.split(/(--[a-z][a-z-]*)/).map((part, at) => (at % 2 === 1 ? <code key={at}>{part}</code> : part))}</>;
}

interface LostProps {
  since: number;
  nextTry: number | null;
  why: string;
}

function Lost({ since, nextTry, why }: LostProps) {
  const store = useStore();
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, []);
  const wait = nextTry === null ? 0 : Math.ceil((nextTry - now) / 1000);
  return (
    <div class="banner bad" role="status">
      <Icon name="warning" />
      <span>
        <b>Disconnected:</b> {why}. Figures are those of {format.timeOfDay(since / 1000)}.{" "}
        {/* The countdown is for the eye: read out, it would never end. */}
        <span aria-hidden="true">{wait > 0 ? `Next try in ${wait} s.` : "Trying …"}</span>
      </span>
      <button class="button small spread" onClick={() => store.retry()} type="button">
        Try now
      </button>
    </div>
  );
}
