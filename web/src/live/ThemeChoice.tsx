import { chooseTheme, Icon, type IconName, type Theme, theme } from "../look";

const NEXT: Record<Theme, Theme> = { auto: "light", light: "dark", dark: "auto" };
const ICONS: Record<Theme, IconName> = { auto: "auto", light: "sun", dark: "moon" };
const WORDS: Record<Theme, string> = { auto: "as the system", light: "light", dark: "dark" };

export function ThemeChoice() {
  const present = theme.value;
  const words = `Theme: ${WORDS[present]}. Change to ${WORDS[NEXT[present]]}`;
  return (
    <button
      aria-label={words}
      class="button quiet icon"
      onClick={() => chooseTheme(NEXT[present])}
      title={words}
      type="button"
    >
      <Icon name={ICONS[present]} />
    </button>
  );
}
