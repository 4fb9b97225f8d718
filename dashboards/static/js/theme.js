// Light or dark: the system's wish, or the reader's own, kept in this browser.

import { byId } from "./dom.js";
import { say } from "./words.js";

const system = () => (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");

function kept() {
  try {
    return localStorage.getItem("theme");
  } catch {
    return null; // storage is switched off in this browser
  }
}

export function startTheme(changed) {
  const button = byId("theme");
  const show = () => {
    const theme = document.documentElement.dataset.theme ?? system();
    button.textContent = say(theme === "dark" ? "theme.light" : "theme.dark");
  };
  const wish = kept();
  if (wish) document.documentElement.dataset.theme = wish;
  button.addEventListener("click", () => {
    const theme = document.documentElement.dataset.theme ?? system();
    const next = theme === "dark" ? "light" : "dark";
    document.documentElement.dataset.theme = next;
    try {
      localStorage.setItem("theme", next);
    } catch {
      // The choice then holds until the page is closed.
    }
    show();
    changed();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    show();
    changed();
  });
  show();
}
