// Runs before the first paint, so that a chosen theme does not flash.
"use strict";
{
  const key = "cpumoe.theme";
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ?? (system.matches ? "dark" : "light")) === "dark";

  const chosen = localStorage.getItem(key);
  if (chosen === "dark" || chosen === "light") {
    root.dataset.theme = chosen;
  }

  addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    const show = () => button.setAttribute("aria-pressed", String(isDark()));
    system.addEventListener("change", show);
    button.addEventListener("click", () => {
      const wanted = isDark() ? "light" : "dark";
      if ((wanted === "dark") === system.matches) {
        // What the system wants needs no choice, and follows the system again.
        delete root.dataset.theme;
        localStorage.removeItem(key);
      } else {
        root.dataset.theme = wanted;
        localStorage.setItem(key, wanted);
      }

      show();
    });
    show();
  });
}
