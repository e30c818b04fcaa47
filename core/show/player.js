// Draws one stretch of a clip with its scores, and follows the page's audio element.
// Runs again whenever the data or the theme changes, so each run undoes the one before.
const running = new WeakMap();
const clock = (s) => `${Math.floor(s / 60)}:${(s % 60).toFixed(1).padStart(4, "0")}`;

export default function ({ data, parentElement, setStateValue }) {
  const before = running.get(parentElement);
  before?.control.abort();
  const control = new AbortController();
  const kept = { control, clip: data.clip, seconds: before?.clip === data.clip ? before.seconds : null };
  running.set(parentElement, kept);
  const { signal } = control;
  const find = (selector) => parentElement.querySelector(selector);
  const stage = find(".stage");
  const cursor = find(".cursor");
  const ghost = find(".ghost");
  const { from, to, cells, spans, low, threshold, high } = data;
  const style = getComputedStyle(stage);
  const ink = (name) => style.getPropertyValue(`--st-${name}`).trim();
  const inks = {
    synthetic: ink("orange-color"),
    authentic: ink("blue-color"),
    inconclusive: ink("gray-color"),
    "no speech": ink("border-color"),
  };
  const share = (seconds) => (seconds - from) / (to - from);
  const cellAt = (seconds) =>
    cells.find((c) => c.start <= seconds && seconds < c.end) ?? cells[cells.length - 1];

  // Drawing ------------------------------------------------------------------------------------
  function canvas(lane) {
    const element = find(`.${lane} canvas`);
    const { width, height } = element.getBoundingClientRect();
    const dense = window.devicePixelRatio || 1;
    element.width = Math.round(width * dense);
    element.height = Math.round(height * dense);
    const pen = element.getContext("2d");
    pen.scale(dense, dense);
    return [pen, width, height];
  }
  function shade(pen, width, height) {
    pen.fillStyle = inks.synthetic;
    pen.globalAlpha = 0.12;
    for (const s of spans) {
      pen.fillRect(share(s.start) * width, 0, (share(s.end) - share(s.start)) * width, height);
    }
    pen.globalAlpha = 1;
  }
  function drawScore() {
    const [pen, width, height] = canvas("score");
    const y = (p) => height - 4 - p * (height - 8);
    shade(pen, width, height);
    pen.fillStyle = inks.inconclusive;
    pen.globalAlpha = 0.2;
    pen.fillRect(0, y(high), width, y(low) - y(high));
    for (const c of cells) {
      const x = share(c.start) * width;
      const w = Math.max(1, (share(c.end) - share(c.start)) * width - 1);
      pen.fillStyle = inks[c.kind];
      pen.globalAlpha = c.p === null ? 0.5 : 1;
      if (c.p === null) pen.fillRect(x, 0, w, height);
      else pen.fillRect(x, Math.min(y(c.p), y(0.5)) - 1, w, Math.abs(y(c.p) - y(0.5)) + 2);
    }
    pen.globalAlpha = 1;
    pen.strokeStyle = ink("text-color");
    pen.setLineDash([5, 4]);
    pen.beginPath();
    pen.moveTo(0, y(threshold));
    pen.lineTo(width, y(threshold));
    pen.stroke();
  }
  function drawWave() {
    const [pen, width, height] = canvas("wave");
    const { lows, highs } = data;
    const loudest = Math.max(1, ...highs.map(Math.abs), ...lows.map(Math.abs));
    shade(pen, width, height);
    let c = cells[0];
    for (let i = 0; i < lows.length; i++) {
      const seconds = from + ((i + 0.5) / lows.length) * (to - from);
      if (seconds < c.start || seconds >= c.end) c = cellAt(seconds);
      const top = height / 2 - (highs[i] / loudest) * (height / 2 - 6);
      const bottom = height / 2 - (lows[i] / loudest) * (height / 2 - 6);
      pen.fillStyle = c.kind === "no speech" ? inks.inconclusive : inks[c.kind];
      pen.fillRect((i / lows.length) * width, top, Math.max(1, width / lows.length), Math.max(1, bottom - top));
    }
  }
  function drawLine() {
    const [pen, width, height] = canvas("spectrum");
    const y = (p) => height - 4 - p * (height - 8);
    for (const [thickness, colour] of [[5, ink("background-color")], [2.5, null]]) {
      pen.lineWidth = thickness;
      let last = null;
      for (const c of cells) {
        if (c.p !== null) {
          pen.strokeStyle = colour ?? inks[c.kind];
          pen.beginPath();
          pen.moveTo(share(c.start) * width, y(last ?? c.p));
          pen.lineTo(share(c.start) * width, y(c.p));
          pen.lineTo(share(c.end) * width, y(c.p));
          pen.stroke();
        }
        last = c.p;
      }
    }
  }
  function drawAxis() {
    const axis = find(".axis");
    const wanted = Math.max(2, Math.floor(stage.clientWidth / 75));
    const step = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120].find((s) => (to - from) / s <= wanted) ?? 300;
    axis.replaceChildren();
    for (let s = Math.ceil(from / step) * step; s <= to; s += step) {
      if (share(s) > 0.97 || share(s) < 0.01) continue;
      const tick = document.createElement("span");
      tick.textContent = s >= 60 ? clock(s) : `${+s.toFixed(1)} s`;
      tick.style.left = `${share(s) * 100}%`;
      axis.append(tick);
    }
  }
  function draw() {
    find(".spectrum img").src = data.spectrogram;
    drawScore();
    drawWave();
    drawLine();
    drawAxis();
    follow();
  }

  // Sound --------------------------------------------------------------------------------------
  // The page shows the sound in an audio element of its own; it covers from..to.
  let sound = null;
  let stopAt = null;
  const now = () => (sound ? from + sound.currentTime : kept.seconds ?? from);
  function follow() {
    const seconds = Math.min(to, now());
    if (sound) kept.seconds = seconds;
    cursor.style.left = `${share(seconds) * 100}%`;
    const cell = cellAt(seconds);
    find(".time").textContent = `${clock(seconds)} / ${clock(to)}  ${cell.says}`;
    stage.setAttribute("aria-valuenow", seconds.toFixed(2));
    stage.setAttribute("aria-valuetext", `${seconds.toFixed(1)} seconds, ${cell.says}`);
  }
  function tick() {
    if (signal.aborted) return;
    follow();
    if (stopAt !== null && now() >= stopAt) {
      stopAt = null;
      sound.pause();
    }
    if (sound && !sound.paused) requestAnimationFrame(tick);
  }
  function attach() {
    const found = document.querySelector(`.st-key-${data.sound} audio`);
    if (found && found !== sound) {
      const wanted = kept.seconds;
      sound = found;
      // A rerun of the page may have put a new element there, which starts at its beginning.
      if (wanted !== null && sound.currentTime === 0) sound.currentTime = wanted - from;
      for (const event of ["play", "seeked", "timeupdate", "pause"]) {
        sound.addEventListener(event, tick, { signal });
      }
      stage.dataset.ready = "true";
      tick();
    }
  }
  const looking = setInterval(attach, 250);
  signal.addEventListener("abort", () => clearInterval(looking));

  let telling = null;
  function seek(seconds, tell = true) {
    attach();
    const target = Math.min(to - 0.01, Math.max(from, seconds));
    stopAt = null;
    kept.seconds = target;
    if (sound) sound.currentTime = target - from;
    follow();
    clearTimeout(telling);
    if (tell) telling = setTimeout(() => setStateValue("seconds", +target.toFixed(3)), 150);
  }
  function toggle() {
    attach();
    if (!sound) return;
    if (sound.paused) sound.play();
    else sound.pause();
  }
  function playWindow() {
    const cell = cellAt(now());
    seek(cell.heardFrom, false);
    stopAt = Math.min(to, cell.heardTo);
    sound?.play();
  }

  // Hands --------------------------------------------------------------------------------------
  const at = (event) => {
    const box = stage.getBoundingClientRect();
    return from + ((event.clientX - box.left) / box.width) * (to - from);
  };
  stage.addEventListener("click", (event) => seek(at(event)), { signal });
  stage.addEventListener("dblclick", playWindow, { signal });
  stage.addEventListener("pointermove", (event) => {
    const seconds = Math.min(to, Math.max(from, at(event)));
    ghost.hidden = false;
    ghost.style.left = `${share(seconds) * 100}%`;
    find(".hover").textContent = `At ${seconds.toFixed(2)} s: ${cellAt(seconds).says}`;
  }, { signal });
  stage.addEventListener("pointerleave", () => {
    ghost.hidden = true;
    find(".hover").textContent = "";
  }, { signal });
  const moves = { ArrowRight: 1, ArrowLeft: -1, ArrowUp: 5, ArrowDown: -5, PageUp: 10, PageDown: -10 };
  stage.addEventListener("keydown", (event) => {
    if (event.key === " ") toggle();
    else if (event.key === "Enter") playWindow();
    else if (event.key === "Home") seek(from);
    else if (event.key === "End") seek(to);
    else if (event.key in moves) seek(now() + moves[event.key] * (event.shiftKey ? 0.1 : 1));
    else return;
    event.preventDefault();
  }, { signal });

  const resized = new ResizeObserver(draw);
  resized.observe(stage);
  signal.addEventListener("abort", () => resized.disconnect());
  stage.setAttribute("aria-valuemin", from);
  stage.setAttribute("aria-valuemax", to);
  draw();
  attach();
  return () => control.abort();
}
