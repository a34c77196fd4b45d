// The map of episodes on a canvas: moved, zoomed, chosen from. Only places come here, never what an episode says; and
// only a shape on the map, or a place, goes back. Keys: arrows, plus, minus, 0, Enter (what is in view), Escape.
window.sgMap = (() => {
  "use strict";
  const COLOURS = ["--good", "--bad", "--idle"];
  const [CLOSEST, CLICK_PX, NEAR_PX, MOST_CORNERS] = [200, 4, 12, 200];
  let canvas = null;
  let map = { x: [], y: [], kind: "" };
  let chosen = new Set();
  let tool = "move";
  let eye = { x: 0, y: 0, scale: 1 };
  let fitted = { x: 0, y: 0, scale: 1 };
  let drawing = [];
  let asked = false;
  const fingers = new Map();

  const size = () => ({ w: canvas.clientWidth, h: canvas.clientHeight });
  const toPixel = (x, y) => {
    const { w, h } = size();
    return [w / 2 + (x - eye.x) * eye.scale, h / 2 - (y - eye.y) * eye.scale];
  };
  const toMap = ([px, py]) => {
    const { w, h } = size();
    return [eye.x + (px - w / 2) / eye.scale, eye.y - (py - h / 2) / eye.scale];
  };
  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };

  const redraw = () => {
    if (asked || !canvas) return;
    asked = true;
    requestAnimationFrame(() => { asked = false; draw(); });
  };

  const mark = (pen, kind, px, py, r) => {
    if (kind === 1) {
      pen.moveTo(px - r, py - r); pen.lineTo(px + r, py + r);
      pen.moveTo(px - r, py + r); pen.lineTo(px + r, py - r);
    } else {
      pen.moveTo(px + r, py); pen.arc(px, py, r, 0, 2 * Math.PI);
    }
  };

  const marks = (pen, kind, wanted, r, colour, alpha) => {
    const { w, h } = size();
    pen.beginPath();
    for (let i = 0; i < map.x.length; i++) {
      if (Number(map.kind[i]) !== kind || !wanted(i)) continue;
      const [px, py] = toPixel(map.x[i], map.y[i]);
      if (px > -r && py > -r && px < w + r && py < h + r) mark(pen, kind, px, py, r);
    }
    pen.globalAlpha = alpha;
    pen.strokeStyle = pen.fillStyle = colour;
    pen.lineWidth = Math.max(1, r / 2.5);
    if (kind === 0) pen.fill(); else pen.stroke();
  };

  const draw = () => {
    const { w, h } = size();
    const ratio = window.devicePixelRatio || 1;
    if (canvas.width !== Math.round(w * ratio) || canvas.height !== Math.round(h * ratio)) {
      canvas.width = Math.round(w * ratio);
      canvas.height = Math.round(h * ratio);
    }
    const pen = canvas.getContext("2d");
    const style = getComputedStyle(document.body);
    const colour = (name) => style.getPropertyValue(name).trim();
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, w, h);
    const rest = chosen.size ? 0.25 : 0.8;
    const r = Math.min(Math.max(2.4 * Math.sqrt(eye.scale / fitted.scale), 2), 6);
    for (const kind of [0, 2, 1]) marks(pen, kind, (i) => !chosen.has(i), r, colour(COLOURS[kind]), rest);
    for (const kind of [0, 2, 1]) marks(pen, kind, (i) => chosen.has(i), r + 0.6, colour(COLOURS[kind]), 1);
    if (drawing.length > 1) {
      pen.globalAlpha = 1;
      pen.strokeStyle = colour("--accent");
      pen.lineWidth = 2;
      pen.setLineDash([6, 4]);
      pen.beginPath();
      for (const [px, py] of outline()) pen.lineTo(px, py);
      pen.closePath();
      pen.stroke();
      pen.setLineDash([]);
    }
  };

  const outline = () => {
    if (tool !== "rectangle") return drawing;
    const [[ax, ay], [bx, by]] = [drawing[0], drawing[drawing.length - 1]];
    return [[ax, ay], [bx, ay], [bx, by], [ax, by]];
  };

  const fit = () => {
    if (!canvas) return;
    const { w, h } = size();
    const [lowX, highX, lowY, highY] = bounds();
    const scale = 0.9 * Math.min(w / Math.max(highX - lowX, 0.02), h / Math.max(highY - lowY, 0.02));
    fitted = { x: (lowX + highX) / 2, y: (lowY + highY) / 2, scale: Math.min(scale, 4 * Math.max(w, h)) };
    eye = { ...fitted };
    redraw();
  };
  const bounds = () => {
    let [lowX, highX, lowY, highY] = [1, -1, 1, -1];
    for (let i = 0; i < map.x.length; i++) {
      lowX = Math.min(lowX, map.x[i]); highX = Math.max(highX, map.x[i]);
      lowY = Math.min(lowY, map.y[i]); highY = Math.max(highY, map.y[i]);
    }
    return map.x.length ? [lowX, highX, lowY, highY] : [-1, 1, -1, 1];
  };

  const zoom = (factor, about) => {
    const { w, h } = size();
    const [px, py] = about || [w / 2, h / 2];
    const [x, y] = toMap([px, py]);
    eye.scale = Math.min(Math.max(eye.scale * factor, fitted.scale / 4), fitted.scale * CLOSEST);
    eye.x = x - (px - w / 2) / eye.scale;
    eye.y = y + (py - h / 2) / eye.scale;
    redraw();
  };
  const move = (dx, dy) => { eye.x -= dx / eye.scale; eye.y += dy / eye.scale; redraw(); };

  const told = ([x, y]) => [Number(x.toFixed(4)), Number(y.toFixed(4))];
  const around = (corners) => {
    const step = Math.max(1, Math.ceil(corners.length / MOST_CORNERS));
    emitEvent("memory-shape", { shape: corners.filter((_, i) => i % step === 0).map(toMap).map(told) });
  };
  const inView = () => { const { w, h } = size(); around([[0, 0], [w, 0], [w, h], [0, h]]); };
  const near = (place) => emitEvent("memory-shape", { near: told(toMap(place)), within: NEAR_PX / eye.scale });
  const clear = () => emitEvent("memory-shape", { shape: [] });

  const far = ([ax, ay], [bx, by]) => Math.hypot(ax - bx, ay - by);
  const pressed = (event) => {
    canvas.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, at(event));
    // A second finger zooms, whatever the first one was about.
    drawing = fingers.size === 1 ? [at(event)] : [];
  };
  const moved = (event) => {
    if (!fingers.has(event.pointerId)) return;
    const [was, is] = [fingers.get(event.pointerId), at(event)];
    if (fingers.size === 2) {
      const other = [...fingers].find(([name]) => name !== event.pointerId)[1];
      const middle = [(is[0] + other[0]) / 2, (is[1] + other[1]) / 2];
      zoom(far(is, other) / Math.max(far(was, other), 1), middle);
      move((is[0] - was[0]) / 2, (is[1] - was[1]) / 2);
    } else if (tool === "move") {
      move(is[0] - was[0], is[1] - was[1]);
      if (drawing.length && far(drawing[0], is) > CLICK_PX) drawing = [];
    } else if (drawing.length && far(drawing[drawing.length - 1], is) > 2) {
      drawing.push(is);
      redraw();
    }
    fingers.set(event.pointerId, is);
  };
  const released = (event) => {
    if (!fingers.delete(event.pointerId)) return;
    const [drawn, place] = [drawing, at(event)];
    if (event.type === "pointerup" && drawn.length && !fingers.size) {
      const wide = Math.max(...drawn.map((one) => far(drawn[0], one)));
      if (wide <= CLICK_PX) near(place);
      else if (tool !== "move") around(outline());
    }
    drawing = [];
    redraw();
  };
  const keyed = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = 60;
    const act = {
      ArrowLeft: () => move(step, 0), ArrowRight: () => move(-step, 0), ArrowUp: () => move(0, step),
      ArrowDown: () => move(0, -step), "+": () => zoom(1.4), "=": () => zoom(1.4), "-": () => zoom(1 / 1.4),
      0: fit, Enter: inView, Escape: clear,
    }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  };

  const begin = () => {
    const found = document.getElementById("memory-map");
    if (!found || found === canvas) return;
    canvas = found;
    canvas.addEventListener("pointerdown", pressed);
    canvas.addEventListener("pointermove", moved);
    canvas.addEventListener("pointerup", released);
    canvas.addEventListener("pointercancel", released);
    canvas.addEventListener("keydown", keyed);
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0016)), at(event));
    }, { passive: false });
    new ResizeObserver(redraw).observe(canvas);
    new MutationObserver(redraw).observe(document.body, { attributes: true, attributeFilter: ["class"] });
  };

  return {
    show: (places) => { begin(); map = places; chosen = new Set(); fit(); },
    choose: (places) => { chosen = new Set(places); redraw(); },
    use: (name) => { tool = name; canvas?.classList.toggle("sg-drawing", name !== "move"); },
    zoom: (factor) => zoom(factor),
    fit,
    inView,
    clear,
    // For who looks whether all is drawn: pixels of an episode.
    pixel: (i) => toPixel(map.x[i], map.y[i]),
  };
})();
