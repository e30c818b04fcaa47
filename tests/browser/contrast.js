// Visible words whose contrast with what lies behind them is too small (WCAG 2.2, 1.4.3).
() => {
  const read = new Map();
  const parse = (colour) => {
    if (!read.has(colour)) {
      const found = colour.match(/rgba?\(([^)]+)\)/);
      const parts = found ? found[1].split(/[, /]+/).map(Number) : [0, 0, 0, 0];
      read.set(colour, [parts[0], parts[1], parts[2], parts.length > 3 ? parts[3] : 1]);
    }
    return read.get(colour);
  };
  const over = (a, b) => {
    const alpha = a[3] + b[3] * (1 - a[3]);
    if (!alpha) return [0, 0, 0, 0];
    const mixed = [0, 1, 2].map((i) => (a[i] * a[3] + b[i] * b[3] * (1 - a[3])) / alpha);
    return [...mixed, alpha];
  };
  const luminance = (colour) => {
    const [r, g, b] = colour.slice(0, 3).map((v) =>
      v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  // What an element's own background and those around it make together, and its opacity in all.
  const grounds = new Map();
  const ground = (element) => {
    if (!element) return [[255, 255, 255, 1], 1];
    if (!grounds.has(element)) {
      const [behind, opacity] = ground(element.parentElement), s = getComputedStyle(element);
      // A slider's value stands beside the thumb that holds it.
      const beside = element.querySelector(":scope > [data-testid=stSliderThumbValue]");
      const own = beside ? [0, 0, 0, 0] : parse(s.backgroundColor);
      grounds.set(element, [over(own, behind), opacity * parseFloat(s.opacity)]);
    }
    return grounds.get(element);
  };
  // What a chart has painted, in order: its words lie on its marks, which are not their parents.
  const painted = new Map();
  const marks = (svg) => {
    if (!painted.has(svg)) {
      painted.set(svg, [...svg.querySelectorAll("path, rect")].map((mark) => {
        const s = getComputedStyle(mark), fill = parse(s.fill);
        const alpha = fill[3] * parseFloat(s.fillOpacity) * parseFloat(s.opacity);
        return [mark, mark.getBoundingClientRect(), [...fill.slice(0, 3), alpha]];
      }).filter(([, box, fill]) => fill[3] > 0 && box.width && box.height));
    }
    return painted.get(svg);
  };
  const faint = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode, element = node.parentElement;
    const text = node.textContent.trim();
    if (!text || ["SCRIPT", "STYLE", "NOSCRIPT"].includes(element.tagName)) continue;
    if (!element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
    if (element.closest("[disabled], [aria-disabled=true]")) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const box = range.getBoundingClientRect();
    if (box.width < 2 || box.height < 2) continue;
    const style = getComputedStyle(element);
    let [behind, opacity] = ground(element);
    if (element.ownerSVGElement) {
      const x = box.x + box.width / 2, y = box.y + box.height / 2;
      for (const [mark, at, fill] of marks(element.ownerSVGElement)) {
        if (x < at.left || at.right < x || y < at.top || at.bottom < y) continue;
        const before = mark.compareDocumentPosition(element) & Node.DOCUMENT_POSITION_FOLLOWING;
        if (before) behind = over(fill, behind);
      }
    }
    const ink = parse(element.namespaceURI.endsWith("svg") ? style.fill : style.color);
    const front = over([...ink.slice(0, 3), ink[3] * opacity], behind);
    const [high, low] = [luminance(front), luminance(behind)].sort((a, b) => b - a);
    const ratio = (high + 0.05) / (low + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const least = large || element.closest("[data-testid=stIconMaterial]") ? 3 : 4.5;
    if (ratio < least) faint.add(`${ratio.toFixed(2)}: ${text.slice(0, 40)}`);
  }
  return [...faint];
}
