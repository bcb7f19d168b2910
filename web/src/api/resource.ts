// Something behind an endpoint that is fetched again when it changed, while somebody looks, and not too often.
import { type ReadonlySignal, signal } from "@preact/signals";

export interface Loaded<T> {
  data: T | null;
  /** Why the last attempt failed; `data` is then older than it should be. */
  error: string | null;
  loading: boolean;
}

/** What takes long to come is asked for less often: nine tenths of the time belong to whoever uses the page. */
const SHARE = 10;
/** Milliseconds. */
const LONGEST_GAP = 10_000;

export class Resource<T> {
  private readonly inner = signal<Loaded<T>>({ data: null, error: null, loading: false });
  private watchers = 0;
  private stale = true;
  private busy = false;
  private began = Number.NEGATIVE_INFINITY;
  private took = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private round = 0;

  constructor(
    private readonly load: () => Promise<T>,
    /** Milliseconds between the beginnings of two requests, at least. */
    private readonly gap: number,
    private readonly visible: () => boolean,
  ) {}

  get state(): ReadonlySignal<Loaded<T>> {
    return this.inner;
  }

  /** Somebody looks, until the returned function is called. */
  want(): () => void {
    this.watchers += 1;
    this.next();
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.watchers -= 1;
      if (this.watchers === 0) clearTimeout(this.timer);
    };
  }

  /** It may have changed. */
  touch(): void {
    this.stale = true;
    this.next();
  }

  /** What is held belongs to something else by now (another run). */
  forget(): void {
    this.round += 1;
    this.inner.value = { data: null, error: null, loading: this.busy };
    this.touch();
  }

  private next(): void {
    if (!this.stale || this.busy || this.watchers === 0 || !this.visible()) return;
    clearTimeout(this.timer);
    const gap = Math.max(this.gap, Math.min(SHARE * this.took, LONGEST_GAP));
    const wait = this.began + gap - Date.now();
    if (wait > 0) this.timer = setTimeout(() => this.next(), wait);
    else void this.run();
  }

  private async run(): Promise<void> {
    this.busy = true;
    this.stale = false;
    this.began = Date.now();
    const round = this.round;
    this.inner.value = { ...this.inner.peek(), loading: true };
    try {
      const data = await this.load();
      if (round === this.round) this.inner.value = { data, error: null, loading: false };
    } catch (error) {
      if (round === this.round) {
        const why = error instanceof Error ? error.message : String(error);
        this.inner.value = { ...this.inner.peek(), error: why, loading: false };
      }
    }
    this.took = Date.now() - this.began;
    this.busy = false;
    this.next();
  }
}
