// A page that is still being drawn moves what is on it, also between the press of a mouse's button and
// its release: the release lands beside, and for the browser there was no click. Here there was one.
const KEPT = Symbol.for("spoofscope.press");
const STEADY = 6; // pixels: whoever draws the mouse further away takes the press back
const PRESSED = "button, summary, a[href]";

function keepPresses() {
  if (window[KEPT]) return;
  window[KEPT] = true;
  let pressed = null;
  const on = (kind, act) => window.addEventListener(kind, act, true);
  on("pointerdown", (event) => {
    const at = event.composedPath().find((one) => one.matches?.(PRESSED));
    const counts = at && event.pointerType === "mouse" && event.button === 0;
    pressed = counts ? { at, x: event.clientX, y: event.clientY } : null;
  });
  on("click", (event) => {
    if (pressed && event.composedPath().includes(pressed.at)) pressed = null;
  });
  on("pointerup", (event) => {
    const mine = pressed;
    if (!mine) return;
    const moved = Math.hypot(event.clientX - mine.x, event.clientY - mine.y);
    setTimeout(() => {
      const lost = pressed === mine; // the click, where there is one, came before this
      if (lost) pressed = null;
      if (lost && moved <= STEADY && mine.at.isConnected) mine.at.click();
    });
  });
}

export default function () {
  keepPresses();
}
