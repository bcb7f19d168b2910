// A labelled field with its help and what is wrong with it, tied together for screen readers.
import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";

interface Wiring {
  id: string;
  "aria-describedby": string | undefined;
  "aria-invalid": boolean;
}

interface Props {
  label: string;
  help?: string;
  problem?: string;
  caution?: string | null;
  children: (wiring: Wiring) => ComponentChildren;
}

export function Field({ label, help, problem, caution, children }: Props) {
  const id = useId();
  const said = problem ?? caution ?? help;
  const kind = problem ? "problem" : caution ? "caution" : "help";
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children({ id, "aria-describedby": said ? `${id}-says` : undefined, "aria-invalid": Boolean(problem) })}
      {said && (
        <p class={kind} id={`${id}-says`}>
          {said}
        </p>
      )}
    </div>
  );
}

interface TextProps extends Omit<Props, "children"> {
  value: string;
  onInput: (value: string) => void;
  placeholder?: string;
  inputMode?: "numeric" | "decimal" | "url" | "text";
  type?: "text" | "password";
  autoFocus?: boolean;
  required?: boolean;
}

export function TextField({ value, onInput, placeholder, inputMode, type, required, ...rest }: TextProps) {
  return (
    <Field {...rest}>
      {(wiring) => (
        <input
          {...wiring}
          autocomplete="off"
          class="input"
          inputMode={inputMode}
          onInput={(event) => onInput(event.currentTarget.value)}
          placeholder={placeholder}
          required={required}
          spellcheck={false}
          value={value}
          {...(type === "password" ? { type } : { type: "text" as const })}
        />
      )}
    </Field>
  );
}
