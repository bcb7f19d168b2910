import { createContext } from "preact";
import { useContext, useEffect } from "preact/hooks";
import type { Resource } from "../api/resource";
import type { Store } from "../api/store";

export const StoreContext = createContext<Store | null>(null);

export function useStore(): Store {
  const store = useContext(StoreContext);
  if (!store) throw new Error("a part of the page stands outside of its store");
  return store;
}

/** Keeps something fresh as long as the component is there, and says what is known of it. */
export function useResource<T>(resource: Resource<T>) {
  useEffect(() => resource.want(), [resource]);
  return resource.state.value;
}
