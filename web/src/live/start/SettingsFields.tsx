// The workload's own options, each as the field that suits its kind.
import type { Setting } from "../../api/types";
import { Field, TextField } from "./Field";
import type { Problems } from "./values";

interface Props {
  settings: Setting[];
  /** What was changed so far. */
  values: Record<string, string>;
  problems: Problems;
  onChange: (values: Record<string, string>) => void;
}

export function SettingsFields({ settings, values, problems, onChange }: Props) {
  const change = (setting: Setting, value: string) => {
    const { [setting.name]: _, ...others } = values;
    // What is as it was is not sent; a secret whose field is empty again stays as it is.
    onChange(value === setting.value ? others : { ...others, [setting.name]: value });
  };
  return (
    <div class="fields two">
      {settings.map((setting) => (
        <SettingField
          key={setting.name}
          onChange={(value) => change(setting, value)}
          problem={problems[`setting:${setting.name}`]}
          setting={setting}
          value={values[setting.name] ?? setting.value}
        />
      ))}
    </div>
  );
}

interface FieldProps {
  setting: Setting;
  value: string;
  problem: string | undefined;
  onChange: (value: string) => void;
}

function SettingField({ setting, value, problem, onChange }: FieldProps) {
  const { kind, help, choices, secret, required } = setting;
  const label = required ? `${setting.label} (needed)` : setting.label;
  if (kind === "flag") {
    return (
      <label class="check">
        <input
          checked={value === "true"}
          onChange={(event) => onChange(String(event.currentTarget.checked))}
          type="checkbox"
        />
        <span>
          <b>{label}</b>
          <br />
          <span class="muted small">{help}</span>
        </span>
      </label>
    );
  }
  if (kind === "choice") {
    return (
      <Field help={help} label={label} problem={problem}>
        {(wiring) => (
          <select {...wiring} class="input" onChange={(event) => onChange(event.currentTarget.value)} value={value}>
            {!choices.includes(value) && <option value={value}>{value || "–"}</option>}
            {choices.map((choice) => (
              <option key={choice} value={choice}>
                {choice}
              </option>
            ))}
          </select>
        )}
      </Field>
    );
  }
  const hints: Partial<Record<Setting["kind"], string>> = { list: "one, two, three", span: "such as 30s or 1h20m" };
  return (
    <TextField
      help={help}
      inputMode={kind === "number" ? "decimal" : "text"}
      label={label}
      onInput={onChange}
      placeholder={secret ? "as it is" : hints[kind]}
      problem={problem}
      type={secret ? "password" : "text"}
      value={value}
    />
  );
}
