// The OpenAPI document as a page to read: the operations, what they take, and what they answer.

import { labelCards } from "../lib/cards.js";
import { byId, element } from "../lib/dom.js";
import { register } from "../lib/pages.js";

/** The last part of a reference: the name of a schema. */
const nameOf = (reference) => reference.split("/").pop();

/** A schema's kind in a few words, with a link where it has a name. */
function kind(schema) {
  if (!schema || Object.keys(schema).length === 0) return "any";
  if (schema.$ref) return element("a", { href: `#${nameOf(schema.$ref)}` }, nameOf(schema.$ref));
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  const several = schema.anyOf ?? schema.oneOf ?? schema.allOf;
  if (several) {
    const parts = several.flatMap((part, index) => (index === 0 ? [kind(part)] : [" | ", kind(part)]));
    return element("span", {}, ...parts);
  }
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.type === "array") return element("span", {}, "list of ", kind(schema.items));
  return schema.format ? `${schema.type} (${schema.format})` : (schema.type ?? "any");
}

function limits(schema) {
  const words = {
    minimum: "at least",
    maximum: "at most",
    exclusiveMinimum: "above",
    minLength: "length at least",
    maxLength: "length at most",
    minItems: "entries at least",
    maxItems: "entries at most",
  };
  return Object.entries(words).filter(([key]) => key in (schema ?? {})).map(([key, word]) => `${word} ${schema[key]}`);
}

function row(name, schema, required, place = "") {
  const said = [schema?.description, ...limits(schema)];
  if (schema?.default !== undefined && schema.default !== null && schema.default !== "") said.push(`default ${JSON.stringify(schema.default)}`);
  return element(
    "tr",
    {},
    element("td", { class: "mono" }, name),
    element("td", {}, place || (required ? "required" : "")),
    element("td", { class: "wrap" }, kind(schema)),
    element("td", { class: "wrap" }, said.filter(Boolean).join("; ")),
  );
}

function table(label, rows) {
  const heads = ["Name", "", "Kind", "Meaning"].map((text) => element("th", {}, text));
  return element(
    "div",
    { class: "scroll" },
    element("table", { class: "grid cards", "data-cards": "", "aria-label": label }, element("thead", {}, element("tr", {}, ...heads)), element("tbody", {}, ...rows)),
  );
}

const media = (content) => Object.values(content ?? {})[0]?.schema;

function operation(path, method, facts) {
  const section = element(
    "section",
    { class: "api-operation", id: facts.operationId },
    element("h2", { class: "mono" }, element("span", { class: "pill plain" }, method.toUpperCase()), ` ${path}`),
    element("p", {}, facts.summary, facts.description ? element("span", { class: "muted" }, ` · ${facts.description}`) : null),
  );
  const rows = (facts.parameters ?? []).map((given) => row(given.name, given.schema, given.required, given.required ? `${given.in}, required` : given.in));
  if (facts.requestBody) rows.push(row("body", media(facts.requestBody.content), facts.requestBody.required));
  if (rows.length) section.append(table(`${facts.summary}: what it takes`, rows));
  const answers = Object.entries(facts.responses);
  const good = answers.filter(([status]) => status < 400).flatMap(([status, answer]) => [` ${status} `, kind(media(answer.content))]);
  const bad = answers.filter(([status]) => status >= 400).map(([status]) => status).join(", ");
  section.append(element("p", { class: "hint" }, "Answers", ...good, "; ", element("a", { href: "#Problems" }, "problems"), ` ${bad}`));
  return section;
}

function form(name, schema) {
  const required = new Set(schema.required ?? []);
  const rows = Object.entries(schema.properties ?? {}).map(([field, part]) => row(field, part, required.has(field)));
  return element(
    "section",
    { class: "api-operation", id: name },
    element("h2", { class: "mono" }, name),
    schema.description ? element("p", { class: "muted" }, schema.description) : null,
    rows.length ? table(name, rows) : element("p", {}, kind(schema)),
  );
}

async function show(body) {
  const answer = await fetch(byId("api").dataset.document);
  if (!answer.ok) throw new Error(`the document answers ${answer.status}`);
  const found = await answer.json();
  const operations = Object.entries(found.paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, facts]) => operation(path, method, facts)));
  const forms = Object.entries(found.components.schemas).map(([name, schema]) => form(name, schema));
  body.replaceChildren(
    element("p", {}, found.info.description),
    ...operations,
    element("h2", { class: "api-forms" }, "Forms"),
    ...forms,
  );
  labelCards();
  if (location.hash) byId(location.hash.slice(1))?.scrollIntoView();
}

export function start() {
  const body = byId("api-body");
  show(body).catch((error) => {
    body.replaceChildren(element("p", { class: "error-box", role: "alert" }, `The API description cannot be loaded: ${error.message}`));
  });
}

register(start);
