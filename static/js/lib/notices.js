// Messages that a person must not miss: refusals, server errors, a network that is gone.

import { byId, element } from "./dom.js";

const SHOWN_FOR = 12000;

export function notice(text, tone = "bad") {
  const host = byId("notices");
  const close = element("button", { type: "button", "aria-label": "Dismiss" }, "✕");
  const node = element("div", { class: `notice ${tone}`, role: tone === "bad" ? "alert" : "status" }, element("span", {}, text), close);
  close.addEventListener("click", () => node.remove());
  for (const old of [...host.children]) if (old.firstChild.textContent === text) old.remove();
  host.append(node);
  if (tone !== "bad") setTimeout(() => node.remove(), SHOWN_FOR);
  return node;
}

/** A refusal comes as text; anything else of an error page would be noise. */
function said(request) {
  const type = request.getResponseHeader("Content-Type") ?? "";
  return type.startsWith("text/plain") && request.responseText ? request.responseText : null;
}

export function watchRequests() {
  let lost = null;
  document.body.addEventListener("htmx:responseError", (event) => {
    const { xhr } = event.detail;
    if (xhr.status === 403) notice("The server refused this request. You may be logged out. Reload the page.");
    else notice(said(xhr) ?? `The server answered with error ${xhr.status}. The action may or may not have been carried out. Check before you try again.`);
  });
  for (const name of ["htmx:sendError", "htmx:timeout"]) {
    document.body.addEventListener(name, () => {
      lost ??= notice("The server cannot be reached. This page is out of date until the connection is back.");
    });
  }
  document.body.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.successful && lost) {
      lost.remove();
      lost = null;
    }
  });
}
