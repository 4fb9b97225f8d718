// Building and updating elements. Text is always set as text, never as markup.

export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "class") node.className = value;
    else if (name === "onclick") node.addEventListener("click", value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

export const byId = (id) => document.getElementById(id);

export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// Replace what is inside `node`, keeping the keyboard focus on the element that has the same
// data-focus and what the reader has unfolded unfolded (a details element with an id), so that
// a live update never throws a reader out of the list or shuts what he reads.
export function fill(node, ...children) {
  const focus = node.contains(document.activeElement)
    ? document.activeElement.dataset.focus : undefined;
  const unfolded = [...node.querySelectorAll("details[id][open]")].map((one) => one.id);
  node.replaceChildren(...children.flat().filter((child) => child));
  for (const id of unfolded) {
    const again = byId(id);
    if (again) again.open = true;
  }
  if (focus) node.querySelector(`[data-focus="${CSS.escape(focus)}"]`)?.focus();
}
