// Building and updating elements. Text is always set as text, never as markup.

const unfolded = new Set(); // ids of details elements that the reader has opened

export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "class") node.className = value;
    else if (name === "onclick") node.addEventListener("click", value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  if (tag === "details" && props.id) remember(node);
  return node;
}

// A details element with an id is drawn as the reader left the last one of that id: no update, no
// other place and no reload shuts what he reads.
function remember(node) {
  node.open = unfolded.has(node.id);
  node.addEventListener("toggle", () => {
    if (node.open) unfolded.add(node.id);
    else unfolded.delete(node.id);
  });
}

export const byId = (id) => document.getElementById(id);

export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// Replace what is inside `node`, keeping the keyboard focus on the element that has the same
// data-focus, so that a live update never throws a reader out of the list.
export function fill(node, ...children) {
  const focus = node.contains(document.activeElement)
    ? document.activeElement.dataset.focus : undefined;
  node.replaceChildren(...children.flat().filter((child) => child));
  if (focus) node.querySelector(`[data-focus="${CSS.escape(focus)}"]`)?.focus();
}
