// The canvas of the page: two layers of class ids, painted pixel by pixel at the model's size, so that nothing is smoothed.
// What it sends is described in painting.py; drawing a skeleton is pose.py's draw_pose again, for the eye alone.
window.seg2vidPaint = (() => {
  const UNDO = 50;
  let wanted = null, root, spec, height, width, canvas, context, picture;
  let surfaces, things, joints = null, style = null;
  let chosen = 0, tool = "brush", size = 9, zoom = 1, undo = [], cursor = null, pen = false, busy = 0;
  let hinted = false; // whether the line below the canvas says how to begin

  const find = (name) => root.querySelector(name);
  const all = (name) => [...root.querySelectorAll(name)];
  const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

  function say(message, wrong = false) {
    const line = find(".s2v-says");
    line.textContent = message;
    hinted = false;
    line.classList.toggle("s2v-wrong", wrong);
  }

  // ---- state

  const isThing = (id) => id !== spec.ignore && spec.classes[id].thing;
  const shown = (i) => (things[i] === spec.ignore ? surfaces[i] : things[i]);

  function remember() {
    undo.push({ surfaces: surfaces.slice(), things: things.slice(), joints: joints && joints.map((j) => [...j]) });
    if (undo.length > UNDO) undo.shift();
    if (hinted) say("");
  }

  function back() {
    const last = undo.pop();
    if (!last) return say("nothing to undo");
    ({ surfaces, things, joints } = last);
    layJoints();
    render();
  }

  function put(i) {
    if (tool === "erase") things[i] = spec.ignore;
    else if (isThing(chosen)) things[i] = chosen;
    else {
      surfaces[i] = chosen;
      if (!find(".s2v-keep").checked) things[i] = spec.ignore;
    }
  }

  function stamp(x, y) {
    // A disc around a pixel's centre; even sizes lie half a pixel to the upper left.
    const radius = size / 2, shift = size % 2 ? 0 : 0.5;
    for (let v = Math.floor(y - radius); v <= y + radius; v++) {
      for (let u = Math.floor(x - radius); u <= x + radius; u++) {
        const inside = (u - x + shift) ** 2 + (v - y + shift) ** 2 <= radius * radius;
        if (inside && u >= 0 && v >= 0 && u < width && v < height) put(v * width + u);
      }
    }
  }

  function line(from, to) {
    const steps = Math.max(Math.abs(to[0] - from[0]), Math.abs(to[1] - from[1]), 1);
    for (let s = 0; s <= steps; s++) {
      const share = s / steps;
      touch(Math.round(from[0] + share * (to[0] - from[0])), Math.round(from[1] + share * (to[1] - from[1])));
    }
  }

  // The places that are connected with one, over edges and, where diagonals count, corners, and have the same id.
  function connected(start, ids, diagonals) {
    const seen = new Uint8Array(width * height), todo = [start];
    seen[start] = 1;
    while (todo.length) {
      const i = todo.pop(), u = i % width, v = (i - u) / width;
      for (let dv = -1; dv <= 1; dv++) {
        for (let du = -1; du <= 1; du++) {
          if (du && dv && !diagonals) continue;
          if (u + du < 0 || u + du >= width || v + dv < 0 || v + dv >= height) continue;
          const j = i + dv * width + du;
          if (!seen[j] && ids(j) === ids(start)) { seen[j] = 1; todo.push(j); }
        }
      }
    }
    return seen;
  }

  function fill(x, y) {
    const area = connected(y * width + x, shown, false);
    for (let i = 0; i < area.length; i++) if (area[i]) put(i);
  }

  // The pixel of a thing that is nearest to the brush's centre, none farther than the brush reaches; -1 without one.
  function thingUnder(x, y) {
    let found = -1, least = Math.max(size / 2, 0.5) ** 2;
    for (let i = 0; i < things.length; i++) {
      const far = (i % width - x) ** 2 + (Math.floor(i / width) - y) ** 2;
      if (things[i] !== spec.ignore && far <= least && (far < least || found < 0)) { found = i; least = far; }
    }
    return found;
  }

  function remove(x, y) {
    const found = thingUnder(x, y);
    if (found < 0) return;
    const id = things[found], area = connected(found, (i) => things[i], true);
    for (let i = 0; i < area.length; i++) if (area[i]) things[i] = spec.ignore;
    say(`removed: ${spec.classes[id].name}`);
  }

  // What the tool does at one place of a stroke.
  function touch(x, y) {
    if (tool === "remove") remove(x, y);
    else stamp(x, y);
  }

  // ---- skeleton

  function drawSkeleton() {
    const ids = new Uint8Array(width * height), index = Object.fromEntries(spec.joints.map((name, i) => [name, i]));
    for (const [id, ends] of spec.limbs) {
      if (ends.some((end) => end.some((name) => joints[index[name]][2] <= 0.2))) continue;
      const [a, b] = ends.map((end) => [0, 1].map((axis) =>
        end.reduce((sum, name) => sum + joints[index[name]][axis], 0) / end.length * (axis ? width : height) - 0.5));
      const along = [b[0] - a[0], b[1] - a[1]], length = Math.max(along[0] ** 2 + along[1] ** 2, 1e-12);
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
          const share = clamp(((y - a[0]) * along[0] + (x - a[1]) * along[1]) / length, 0, 1);
          const far = (y - a[0] - share * along[0]) ** 2 + (x - a[1] - share * along[1]) ** 2;
          if (far <= 2.25 + 1e-6) ids[y * width + x] = id;
        }
      }
    }
    for (let i = 0; i < ids.length; i++) { surfaces[i] = 0; things[i] = ids[i] ? ids[i] : spec.ignore; }
  }

  function layJoints() {
    all(".s2v-joint").forEach((button) => button.remove());
    find(".s2v-tools-paint").hidden = joints !== null;
    find(".s2v-palette").hidden = joints !== null;
    if (!joints) return;
    joints.forEach((joint, i) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "s2v-joint";
      button.title = spec.joints[i];
      button.setAttribute("aria-label", spec.joints[i] + ", arrow keys move it");
      const place = () => { button.style.top = `${100 * joints[i][0]}%`; button.style.left = `${100 * joints[i][1]}%`; };
      const move = (y, x) => { joints[i][0] = clamp(y, 0, 1); joints[i][1] = clamp(x, 0, 1); place(); render(); };
      button.addEventListener("pointerdown", (event) => { remember(); button.setPointerCapture(event.pointerId); });
      button.addEventListener("pointermove", (event) => {
        if (!button.hasPointerCapture(event.pointerId)) return;
        const box = canvas.getBoundingClientRect();
        move((event.clientY - box.top) / box.height, (event.clientX - box.left) / box.width);
      });
      button.addEventListener("keydown", (event) => {
        const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
        if (!step) return;
        event.preventDefault();
        if (!event.repeat) remember();
        move(joints[i][0] + step[0] / height, joints[i][1] + step[1] / width);
      });
      place();
      find(".s2v-stage").append(button);
    });
  }

  // ---- seen

  function render() {
    if (joints) drawSkeleton();
    for (let i = 0; i < surfaces.length; i++) {
      const id = shown(i), color = id === spec.ignore ? [0, 0, 0] : spec.classes[id].color;
      picture.data.set([color[0], color[1], color[2], 255], 4 * i);
    }
    if (cursor && document.activeElement === canvas) {
      for (let d = -3; d <= 3; d++) {
        for (const [x, y] of [[cursor[0] + d, cursor[1]], [cursor[0], cursor[1] + d]]) {
          if (d && x >= 0 && y >= 0 && x < width && y < height) {
            const i = 4 * (y * width + x);
            for (let c = 0; c < 3; c++) picture.data[i + c] = picture.data[i + c] > 127 ? 0 : 255;
          }
        }
      }
    }
    context.putImageData(picture, 0, 0);
  }

  function press(buttons, pressed) {
    buttons.forEach((button) => button.setAttribute("aria-pressed", String(button === pressed)));
  }

  function choose(id) {
    chosen = id;
    press(all(".s2v-class"), find(`.s2v-class[data-id="${id}"]`));
    if (tool === "remove" || tool === "erase") use("brush");
  }

  function use(name) {
    tool = name;
    press(all(".s2v-tool"), find(`.s2v-tool[data-tool="${name}"]`));
  }

  function resize(value) {
    size = clamp(value, 1, 64);
    find(".s2v-size").value = size;
  }

  function enlarge(value) {
    zoom = clamp(value, 1, 6);
    // At first all of it is in sight, however high it is.
    find(".s2v-stage").style.width = `calc(min(100%, ${50 * width / height}vh) * ${zoom})`;
  }

  // ---- hands

  function pixel(event) {
    const box = canvas.getBoundingClientRect();
    return [clamp(Math.floor((event.clientX - box.left) / box.width * width), 0, width - 1),
      clamp(Math.floor((event.clientY - box.top) / box.height * height), 0, height - 1)];
  }

  function listenToPointer() {
    let last = null;
    canvas.addEventListener("pointerdown", (event) => {
      if (joints || event.button) return;
      cursor = null;
      canvas.setPointerCapture(event.pointerId);
      remember();
      last = pixel(event);
      if (tool === "remove" && thingUnder(...last) < 0) say("no object here: objects are the classes of the second list");
      if (tool === "fill") { fill(...last); last = null; } else touch(...last);
      render();
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!last) return;
      const here = pixel(event);
      line(last, here);
      last = here;
      render();
    });
    for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, () => { last = null; });
  }

  function listenToKeys() {
    canvas.addEventListener("keydown", (event) => {
      if (joints) return;
      cursor = cursor || [width >> 1, height >> 1];
      const far = event.shiftKey ? 8 : 1;
      const step = { ArrowUp: [0, -far], ArrowDown: [0, far], ArrowLeft: [-far, 0], ArrowRight: [far, 0] }[event.key];
      if (step) {
        const to = [clamp(cursor[0] + step[0], 0, width - 1), clamp(cursor[1] + step[1], 0, height - 1)];
        if (pen) line(cursor, to);
        cursor = to;
      } else if (event.key === " " || event.key === "Enter") {
        if (tool === "fill") { remember(); fill(...cursor); say("filled"); }
        else {
          pen = !pen;
          say(pen ? "pen down: arrow keys paint, space lifts it" : "pen up");
          if (pen) { remember(); touch(...cursor); }
        }
      } else if (event.key === "[" || event.key === "]") resize(size + (event.key === "]" ? 2 : -2));
      else if (event.key === "u" || (event.key === "z" && (event.ctrlKey || event.metaKey))) back();
      else return;
      event.preventDefault();
      render();
    });
    for (const name of ["focus", "blur"]) canvas.addEventListener(name, () => { if (name === "blur") pen = false; render(); });
  }

  // ---- the server's part

  const text = (bytes) => {
    let binary = "";
    for (let i = 0; i < bytes.length; i += 32768) binary += String.fromCharCode(...bytes.subarray(i, i + 32768));
    return btoa(binary);
  };
  const bytes = (base64) => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));

  async function ask(address, body) {
    let answer;
    try {
      answer = await fetch(`paint/${address}&model=${encodeURIComponent(spec.model)}`, body ? { method: "POST", body } : {});
    } catch {
      throw Error("the page's program does not answer: is it still running?");
    }
    const said = await answer.text();
    let document_;
    try { document_ = JSON.parse(said); } catch { throw Error(said.slice(0, 200) || `status ${answer.status}`); }
    if (!answer.ok) throw Error(document_.error || `status ${answer.status}`);
    return document_;
  }

  async function load(address, body, name) {
    const mine = ++busy;
    say(`reading ${name} ...`);
    try {
      const scene = await ask(address, body);
      if (mine !== busy) return; // another one was asked for meanwhile
      if (surfaces) remember();
      surfaces = bytes(scene.surfaces);
      things = bytes(scene.things);
      joints = scene.joints || null;
      layJoints();
      render();
      const remarks = joints ? ["drag the joints, or move one with the arrow keys"] : scene.remarks || [];
      say([name, ...remarks].filter(Boolean).join(": ").replaceAll(": read", ", read"));
    } catch (error) {
      say(error.message, true);
    }
  }

  function blank() {
    if (surfaces) remember();
    joints = null;
    surfaces = new Uint8Array(width * height).fill(spec.skeleton ? 0 : spec.ignore);
    things = new Uint8Array(width * height).fill(spec.ignore);
    layJoints();
    render();
    say(spec.skeleton ? "empty map: paint limbs on it; an example has joints to drag instead"
      : "empty map: black is not painted yet; begin with large areas, such as sky and road");
    hinted = true;
  }

  async function takeStyle(file) {
    style = null;
    find(".s2v-style-name").textContent = "";
    find(".s2v-no-style").hidden = true;
    if (!file) return;
    try {
      if (file.size > spec.maxBytes) throw Error(`${file.name}: larger than ${spec.maxBytes} bytes`);
      await ask(`style?name=${encodeURIComponent(file.name)}`, file);
      style = { name: file.name, data: text(new Uint8Array(await file.arrayBuffer())) };
      find(".s2v-style-name").textContent = file.name;
      find(".s2v-no-style").hidden = false;
      say(`videos will have the style of ${file.name}`);
    } catch (error) {
      say(error.message, true);
    }
  }

  function listenToControls() {
    all(".s2v-class").forEach((b) => b.addEventListener("click", () => choose(Number(b.dataset.id))));
    all(".s2v-tool").forEach((b) => b.addEventListener("click", () => use(b.dataset.tool)));
    all("[data-scene]").forEach((b) => b.addEventListener("click", () => drawn(b.dataset.scene)));
    find(".s2v-size").addEventListener("change", (event) => resize(Number(event.target.value) || 1));
    find(".s2v-undo").addEventListener("click", back);
    find(".s2v-blank").addEventListener("click", blank);
    find(".s2v-in").addEventListener("click", () => enlarge(zoom * 1.5));
    find(".s2v-out").addEventListener("click", () => enlarge(zoom / 1.5));
    const random = find(".s2v-random");
    if (random) random.addEventListener("click", () => drawn(Math.floor(Math.random() * 10000)));
    const brought = find(".s2v-map");
    brought.addEventListener("change", async () => {
      const file = brought.files[0];
      brought.value = "";
      if (!file) return;
      if (file.size > spec.maxBytes) return say(`${file.name}: larger than ${spec.maxBytes} bytes`, true);
      const kind = find(".s2v-kind").value;
      await load(`map?name=${encodeURIComponent(file.name)}&kind=${encodeURIComponent(kind)}`, file, file.name);
    });
    const styled = find(".s2v-style");
    if (styled) {
      styled.addEventListener("change", () => takeStyle(styled.files[0]));
      find(".s2v-no-style").addEventListener("click", () => { styled.value = ""; takeStyle(null); });
    }
  }

  const drawn = (seed) => load(`scene?seed=${seed}`, null, `example ${seed}`);

  function copy(event) {
    const button = event.target.closest(".s2v-copy");
    if (!button) return;
    const code = button.closest("h4").nextElementSibling;
    const done = () => { button.textContent = "copied"; };
    const select = () => { getSelection().selectAllChildren(code); button.textContent = "selected, press Ctrl+C"; };
    // Browsers write to the clipboard for pages of this machine or by HTTPS alone.
    if (navigator.clipboard) navigator.clipboard.writeText(code.textContent).then(done, select);
    else select();
  }

  // Puts the canvas of a model on the page. What was painted stays where it has the same classes and size.
  async function open(model) {
    const place = document.querySelector(".s2v-place");
    if (!model || wanted === model) return;
    if (!place) return setTimeout(open, 50, model);
    wanted = model;
    let board;
    try {
      const answer = await fetch(`paint/board?model=${encodeURIComponent(model)}`);
      board = await answer.text();
      if (!answer.ok) throw Error(board);
    } catch (error) {
      wanted = null;
      place.append(`${model} cannot be shown: ${error.message}`);
      return;
    }
    if (wanted !== model) return; // another one was chosen meanwhile
    place.innerHTML = board;
    start(place.firstElementChild);
  }

  function start(found) {
    const next = JSON.parse(found.dataset.spec), first = !root;
    const same = !first && JSON.stringify({ ...spec, model: next.model, draws: next.draws }) === JSON.stringify(next);
    root = found;
    spec = next;
    ({ height, width } = spec);
    busy++;
    style = cursor = null;
    canvas = find("canvas");
    context = canvas.getContext("2d");
    picture = context.createImageData(width, height);
    enlarge(1);
    listenToPointer();
    listenToKeys();
    listenToControls();
    if (first) document.addEventListener("click", copy);
    if (same) {
      resize(size);
      use(tool);
      press(all(".s2v-class"), find(`.s2v-class[data-id="${chosen}"]`));
      layJoints();
      render();
      return say(`your painting stays: ${spec.model} has the same classes and size`);
    }
    resize(Math.max(3, Math.round(height / 14) | 1));
    choose(0);
    use("brush");
    surfaces = null;
    blank();
    undo = [];
    if (spec.draws) drawn(1).then(() => { undo = []; });
  }

  function value() {
    const reference = style && style.data, name = style && style.name;
    if (joints) return JSON.stringify({ joints, reference, name });
    return JSON.stringify({ surfaces: text(surfaces), things: text(things), reference, name });
  }

  const model = () => spec.model;

  return { open, value, model };
})();
