// Makes elements. Data becomes text nodes and attributes only, never markup; knows nothing of what is shown.

const SVG = "http://www.w3.org/2000/svg";

/** Return an HTML element; `props` as `assign` takes them, children are nodes, texts or lists of these. */
export function h(tag, props, ...children) {
  return filled(assign(document.createElement(tag), props), children);
}

/** Return an SVG element. */
export function s(tag, props, ...children) {
  return filled(assign(document.createElementNS(SVG, tag), props), children);
}

/**
 * Set what an element has: `class`, `on` (listeners by event), `style` (properties by name), `dataset`, `text`, properties
 * of form controls, everything else as an attribute; null, undefined and false leave an attribute out.
 */
export function assign(element, props) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (name === "on") for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    else if (name === "style") for (const [key, one] of Object.entries(value)) style(element, key, one);
    else if (name === "dataset") Object.assign(element.dataset, value);
    else if (name === "text") setText(element, value);
    else if (["value", "checked", "disabled", "selected", "indeterminate"].includes(name)) element[name] = value;
    else attribute(element, name, value);
  }
  return element;
}

/** Set, change or (null, undefined, false) remove an attribute; nothing is touched where it stands already. */
export function attribute(element, name, value) {
  if (value === null || value === undefined || value === false) {
    if (element.hasAttribute(name)) element.removeAttribute(name);
    return;
  }
  const text = value === true ? "" : String(value);
  if (element.getAttribute(name) !== text) element.setAttribute(name, text);
}

/** Set one property of an element's style by script: a policy that forbids style attributes allows that. */
export function style(element, key, value) {
  if (value === null || value === undefined || value === "") element.style.removeProperty(key);
  else if (element.style.getPropertyValue(key) !== String(value)) element.style.setProperty(key, String(value));
}

/** Set an element's text, only where it differs: a page that stands for weeks should not lay out for nothing. */
export function setText(element, value) {
  const text = value === null || value === undefined ? "" : String(value);
  if (element.textContent !== text) element.textContent = text;
}

/** Replace all children. */
export function fill(element, ...children) {
  element.replaceChildren(...flat(children));
  return element;
}

/** Keep the children of `parent` equal to `wanted`, moving only what is out of place. */
export function arrange(parent, wanted) {
  let next = parent.firstElementChild;
  for (const element of wanted) {
    if (element === next) next = next.nextElementSibling;
    else parent.insertBefore(element, next);
  }
  while (next) {
    const gone = next;
    next = next.nextElementSibling;
    gone.remove();
  }
}

function filled(element, children) {
  element.append(...flat(children));
  return element;
}

function flat(children) {
  return children.flat(Infinity).filter((one) => one !== null && one !== undefined && one !== false);
}
