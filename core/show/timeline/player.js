// Draws a clip as a whole and the part of it that is shown, with their scores, and plays the part.
// All times are seconds of the file. Runs again whenever the data or the theme changes, so each run
// undoes the one before.
const running = new WeakMap();
const EDGE = 10; // pixels around an edge of the brush that take hold of it
const seconds = (s) => `${s.toFixed(1)} s`;
function clock(s) {
  if (s < 60) return seconds(s);
  const [hours, minutes, rest] = [Math.floor(s / 3600), Math.floor(s / 60) % 60, s % 60];
  const two = (n, digits) => n.toFixed(digits).padStart(digits ? 4 : 2, "0");
  const long = hours ? `${hours}:${two(minutes, 0)}` : `${minutes}`;
  return `${seconds(s)} (${long}:${two(Math.floor(rest * 10) / 10, 1)})`;
}

export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  const before = running.get(parentElement);
  before?.control.abort();
  const control = new AbortController();
  const { from, to, cells, spans, low, middle, high, whole } = data;
  const held = before?.clip === data.clip && from <= before.seconds && before.seconds <= to;
  const kept = { control, clip: data.clip, seconds: held ? before.seconds : null };
  running.set(parentElement, kept);
  const { signal } = control;
  const find = (selector) => parentElement.querySelector(selector);
  const listen = (element, event, act) => element.addEventListener(event, act, { signal });
  const stage = find(".stage");
  const overview = find(".overview");
  const style = getComputedStyle(stage);
  const ink = (name) => style.getPropertyValue(`--st-${name}`).trim();
  const inks = {
    synthetic: ink("orange-color"),
    authentic: ink("blue-color"),
    inconclusive: ink("gray-color"),
    "no speech": ink("border-color"),
    missing: ink("border-color"),
  };
  const ofPart = (s) => (s - from) / (to - from);
  const ofClip = (s) => s / whole.seconds;
  const cellAt = (s) => cells.find((c) => c.start <= s && s < c.end) ?? cells[cells.length - 1];
  const within = (s, least, most) => Math.min(most, Math.max(least, s));

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
  function shade(pen, width, height, stretches, share) {
    pen.fillStyle = inks.synthetic;
    pen.globalAlpha = 0.12;
    for (const s of stretches) {
      pen.fillRect(share(s.start) * width, 0, (share(s.end) - share(s.start)) * width, height);
    }
    pen.globalAlpha = 1;
  }
  function hatch(pen, width, height, stretches, share) { // what the file lacks
    pen.strokeStyle = inks.inconclusive;
    pen.fillStyle = ink("background-color");
    pen.lineWidth = 1;
    for (const s of stretches) {
      const [left, right] = [share(s.start) * width, share(s.end) * width];
      pen.save();
      pen.beginPath();
      pen.rect(left, 0, Math.max(1, right - left), height);
      pen.clip();
      pen.globalAlpha = 0.85; // windows reach into it, and say nothing of it
      pen.fill();
      pen.globalAlpha = 1;
      pen.beginPath();
      for (let x = left - height; x < right; x += 8) {
        pen.moveTo(x, height);
        pen.lineTo(x + height, 0);
      }
      pen.stroke();
      pen.restore();
    }
  }
  const level = (p, height) => height - 4 - p * (height - 8);
  const loudest = (wave) => Math.max(1, ...wave.highs.map(Math.abs), ...wave.lows.map(Math.abs));
  function drawWave([pen, width, height], wave, kindOf) {
    const scale = (height / 2 - 6) / loudest(wave);
    const count = wave.lows.length;
    for (let i = 0; i < count; i++) {
      const kind = kindOf(i, count);
      const top = height / 2 - wave.highs[i] * scale;
      const tall = (wave.highs[i] - wave.lows[i]) * scale;
      pen.fillStyle = kind === "no speech" || kind === "missing" ? inks.inconclusive : inks[kind];
      pen.fillRect((i / count) * width, top, Math.max(1, width / count), Math.max(1, tall));
    }
  }
  function flags(pen, width, height, places, share) { // of the file's history
    pen.fillStyle = ink("text-color");
    for (const s of places) {
      const x = share(s) * width;
      pen.beginPath();
      pen.moveTo(x, height - 7);
      pen.lineTo(x - 4, height);
      pen.lineTo(x + 4, height);
      pen.fill();
    }
  }
  function bracket([pen, width, height], places, share) { // what is called synthetic in part
    pen.fillStyle = ink("text-color");
    for (const s of places) {
      const [left, right] = [share(s.start) * width, share(s.end) * width];
      pen.fillRect(left, 0, right - left, 4);
      pen.fillRect(left - 1, 0, 2, height);
      pen.fillRect(right - 1, 0, 2, height);
    }
  }
  function drawOverview() {
    const place = canvas("overview");
    const [pen, width, height] = place;
    shade(pen, width, height, whole.spans, ofClip);
    drawWave(place, whole, (i) => whole.kinds[i]);
    hatch(pen, width, height, whole.missing, ofClip);
    pen.fillStyle = ink("text-color");
    for (const s of whole.apart) {
      pen.fillRect(ofClip(s.start) * width, 0, (ofClip(s.end) - ofClip(s.start)) * width, 3);
    }
    bracket(place, data.parts, ofClip);
    flags(pen, width, height, whole.marks, ofClip);
    drawBrush(from, to);
  }
  function drawBrush(start, end) {
    const [left, right] = [100 * ofClip(start), 100 * ofClip(end)];
    Object.assign(find(".brush").style, { left: `${left}%`, width: `${right - left}%` });
    find(".before").style.width = `${left}%`;
    find(".after").style.left = `${right}%`;
  }
  function drawScore() {
    const [pen, width, height] = canvas("score");
    const y = (p) => level(p, height);
    shade(pen, width, height, spans, ofPart);
    pen.fillStyle = inks.inconclusive;
    pen.globalAlpha = 0.2;
    pen.fillRect(0, y(high), width, y(low) - y(high));
    for (const c of cells) {
      const x = ofPart(c.start) * width;
      const w = Math.max(1, (ofPart(c.end) - ofPart(c.start)) * width - 1);
      pen.fillStyle = inks[c.kind];
      pen.globalAlpha = c.p === null ? 0.5 : 1;
      if (c.p === null) pen.fillRect(x, 0, w, height);
      else pen.fillRect(x, Math.min(y(c.p), y(middle)) - 1, w, Math.abs(y(c.p) - y(middle)) + 2);
    }
    pen.globalAlpha = 1;
    hatch(pen, width, height, data.missing, ofPart);
    pen.strokeStyle = ink("text-color");
    pen.setLineDash([5, 4]);
    pen.beginPath();
    pen.moveTo(0, y(middle));
    pen.lineTo(width, y(middle));
    pen.stroke();
  }
  function drawPart() {
    const place = canvas("wave");
    shade(...place, spans, ofPart);
    let cell = cells[0];
    drawWave(place, data, (i, count) => {
      const s = from + ((i + 0.5) / count) * (to - from);
      if (s < cell.start || s >= cell.end) cell = cellAt(s);
      return cell.kind;
    });
    hatch(...place, data.missing, ofPart);
    bracket(place, data.parts, ofPart);
    flags(...place, data.marks.map((m) => m.at), ofPart);
  }
  function drawLine() {
    const place = canvas("spectrum");
    const [pen, width, height] = place;
    hatch(...place, data.missing, ofPart);
    pen.save();
    pen.beginPath();
    pen.rect(0, 0, width, height);
    for (const s of data.missing) { // windows reach into it, but it has no score
      pen.rect(ofPart(s.start) * width, 0, (ofPart(s.end) - ofPart(s.start)) * width, height);
    }
    pen.clip("evenodd");
    const y = (p) => level(p, height);
    for (const [thickness, colour] of [[5, ink("background-color")], [2.5, null]]) {
      pen.lineWidth = thickness;
      let last = null;
      for (const c of data.finer.length ? data.finer : cells) {
        if (c.p !== null) {
          pen.strokeStyle = colour ?? inks[c.kind];
          pen.beginPath();
          pen.moveTo(ofPart(c.start) * width, y(last ?? c.p));
          pen.lineTo(ofPart(c.start) * width, y(c.p));
          pen.lineTo(ofPart(c.end) * width, y(c.p));
          pen.stroke();
        }
        last = c.p;
      }
    }
    pen.restore();
  }
  function ticks(axis, places) {
    find(axis).replaceChildren(...places.map(([text, side, percent]) => {
      const tick = document.createElement("span");
      tick.textContent = text;
      tick.style[side] = `${percent}%`;
      return tick;
    }));
  }
  function timeAxis(axis, start, end) {
    const wanted = Math.max(2, Math.floor(stage.clientWidth / 75));
    const steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600];
    const step = steps.find((s) => (end - start) / s <= wanted) ?? 7200;
    const places = [];
    for (let n = Math.ceil(start / step - 1e-9); n * step <= end; n++) {
      const share = (n * step - start) / (end - start);
      if (share <= 0.97) places.push([`${+(n * step).toFixed(1)} s`, "left", 100 * share]);
    }
    ticks(axis, places);
  }
  function levelAxes() {
    find(".share").textContent = data.share;
    const { height } = find(".lane.score").getBoundingClientRect();
    ticks(".scale.score", [0, 0.5, 1].map((p) => [`${100 * p} %`, "top", (100 * level(p, height)) / height]));
    const most = loudest(data) / 1000;
    const step = [0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002].find((s) => s <= most) ?? 0.001;
    const tall = find(".lane.wave").getBoundingClientRect().height;
    const half = 50 - 600 / tall;
    ticks(".scale.wave", [step, 0, -step].map((a) => [`${a}`, "top", 50 - (half * a) / most]));
    ticks(".scale.spectrum", [2, 4, 6].map((k) => [`${k} kHz`, "top", 100 - 12.5 * k]));
  }
  function draw() {
    find(".spectrum img").src = data.spectrogram;
    drawOverview();
    drawScore();
    drawPart();
    drawLine();
    timeAxis(".axis.of-clip", 0, whole.seconds);
    timeAxis(".axis.of-part", from, to);
    levelAxes();
    follow();
  }

  // Sound --------------------------------------------------------------------------------------
  // The page holds the sound of from..to in an audio element of its own, which is not shown: its
  // clock would begin at 0.
  let sound = null;
  let stopAt = null;
  const now = () => (sound ? from + sound.currentTime : kept.seconds ?? from);
  function follow() {
    const s = Math.min(to, now());
    if (sound) kept.seconds = s;
    find(".stage .cursor").style.left = `${100 * ofPart(s)}%`;
    find(".overview .cursor").style.left = `${100 * ofClip(s)}%`;
    const cell = cellAt(s);
    find(".time").textContent = `${clock(s)}: ${cell.says}`;
    stage.setAttribute("aria-valuenow", s.toFixed(2));
    stage.setAttribute("aria-valuetext", `${s.toFixed(1)} seconds, ${cell.says}`);
    const playing = Boolean(sound && !sound.paused);
    find(".play").textContent = playing ? "Pause" : "Play";
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
      for (const event of ["play", "seeked", "timeupdate", "pause"]) listen(sound, event, tick);
      stage.dataset.ready = "true";
      tick();
    }
  }
  const looking = setInterval(attach, 250);
  listen(signal, "abort", () => clearInterval(looking));

  let telling = null;
  function seek(s, tell = true) {
    attach();
    const target = within(s, from, to - 0.01);
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
    if (!sound.paused) sound.pause();
    else {
      if (now() >= to - 0.02) seek(from, false);
      sound.play();
    }
  }
  function playWindow() {
    const cell = cellAt(now());
    seek(cell.heardFrom, false);
    stopAt = Math.min(to, cell.heardTo);
    sound?.play();
  }

  // The part -----------------------------------------------------------------------------------
  const secondsAt = (event, element, start, end) => {
    const box = element.getBoundingClientRect();
    return within(start + ((event.clientX - box.left) / box.width) * (end - start), start, end);
  };
  let drag = null;
  function dragged(s) {
    const { hold, at } = drag;
    const length = to - from;
    if (hold === "move") {
      const start = within(from + s - at, 0, whole.seconds - length);
      return [start, start + length];
    }
    // The edge that is not held stays; of two that cross, and of a part too long, the held one moves.
    const still = hold === "from" ? to : hold === "to" ? from : at;
    const held = within(s, still - data.longest, still + data.longest);
    const [start, end] = held < still ? [held, still] : [still, held];
    if (end - start >= data.least) return [start, end];
    const first = within(start, 0, Math.max(0, whole.seconds - data.least));
    return [first, Math.min(whole.seconds, first + data.least)];
  }
  listen(overview, "pointerdown", (event) => {
    const at = secondsAt(event, overview, 0, whole.seconds);
    const near = (EDGE * whole.seconds) / overview.clientWidth;
    let hold = "new";
    if (Math.abs(at - from) <= near) hold = "from";
    else if (Math.abs(at - to) <= near) hold = "to";
    else if (from < at && at < to && to - from < whole.seconds - 1e-6) hold = "move";
    drag = { hold, at, x: event.clientX, part: null };
    overview.setPointerCapture(event.pointerId);
  });
  listen(overview, "pointermove", (event) => {
    if (!drag || (drag.part === null && Math.abs(event.clientX - drag.x) < 3)) return;
    drag.part = dragged(secondsAt(event, overview, 0, whole.seconds));
    drawBrush(...drag.part);
  });
  listen(overview, "pointercancel", () => {
    drag = null;
    drawBrush(from, to);
  });
  listen(overview, "pointerup", () => {
    if (drag?.hold === "new" && drag.part === null) {
      // A click brings the part there, as long as it is.
      const start = within(drag.at - (to - from) / 2, 0, whole.seconds - (to - from));
      if (start !== from) drag.part = [start, start + (to - from)];
    }
    const part = drag?.part;
    drag = null;
    if (!part) return;
    drawBrush(...part);
    setTriggerValue("part", part.map((s) => +s.toFixed(2)));
  });

  // Hands --------------------------------------------------------------------------------------
  const at = (event) => secondsAt(event, stage, from, to);
  listen(find(".play"), "click", toggle);
  listen(find(".hear"), "click", playWindow);
  listen(stage, "click", (event) => seek(at(event)));
  listen(stage, "dblclick", playWindow);
  listen(stage, "pointermove", (event) => {
    const s = at(event);
    find(".ghost").hidden = false;
    find(".ghost").style.left = `${100 * ofPart(s)}%`;
    const near = data.marks.find((m) => Math.abs(m.at - s) < (to - from) / 150);
    const also = near ? `, ${near.what}` : "";
    find(".hover").textContent = `At ${s.toFixed(2)} s: ${cellAt(s).says}${also}`;
  });
  listen(stage, "pointerleave", () => {
    find(".ghost").hidden = true;
    find(".hover").textContent = "";
  });
  const moves = { ArrowRight: 1, ArrowLeft: -1, ArrowUp: 5, ArrowDown: -5, PageUp: 10, PageDown: -10 };
  listen(stage, "keydown", (event) => {
    if (event.key === " ") toggle();
    else if (event.key === "Enter") playWindow();
    else if (event.key === "Home") seek(from);
    else if (event.key === "End") seek(to);
    else if (event.key in moves) seek(now() + moves[event.key] * (event.shiftKey ? 0.1 : 1));
    else return;
    event.preventDefault();
  });

  const resized = new ResizeObserver(draw);
  resized.observe(stage);
  listen(signal, "abort", () => resized.disconnect());
  stage.setAttribute("aria-valuemin", from);
  stage.setAttribute("aria-valuemax", to);
  overview.setAttribute(
    "aria-label",
    `The whole clip, ${seconds(whole.seconds)}; shown below: ${seconds(from)} to ${seconds(to)}`,
  );
  draw();
  attach();
  return () => control.abort();
}
