// The page of the REST interface, drawn from the OpenAPI document. Text only ever becomes text.

const VERBS = ["get", "post", "put", "patch", "delete"];

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function nameOf(schema) {
  return schema.$ref.slice("#/components/schemas/".length);
}

function typeOf(schema) {
  if (schema.$ref) return nameOf(schema);
  if (schema.type === "array") return `list of ${typeOf(schema.items)}`;
  if (schema.additionalProperties) return `map of ${typeOf(schema.additionalProperties)}`;
  if (schema.contentEncoding) return schema.contentEncoding;
  return schema.pattern ? "number as string" : schema.type;
}

function referenced(schema) {
  if (schema.$ref) return [nameOf(schema)];
  if (schema.type === "array") return referenced(schema.items);
  return schema.additionalProperties ? referenced(schema.additionalProperties) : [];
}

function rows(entries) {
  const body = element("tbody");
  for (const [name, type, text] of entries) {
    body.append(
      element(
        "tr",
        {},
        element("th", { scope: "row" }, element("code", {}, name)),
        element("td", {}, type),
        element("td", {}, text),
      ),
    );
  }
  return element("table", {}, body);
}

function fields(schemas, name) {
  const seen = new Set();
  const waiting = [name];
  const parts = [];
  while (waiting.length > 0) {
    const next = waiting.shift();
    if (seen.has(next)) continue;
    seen.add(next);
    const schema = schemas[next];
    parts.push(element("h3", {}, next));
    const [text, ...values] = schema.description.split("\n");
    parts.push(element("p", { class: "quiet" }, text));
    const listed = values.filter((line) => line.startsWith("* "));
    if (listed.length > 0) {
      const items = listed.map((line) => element("li", {}, line.slice(2).replaceAll("`", "")));
      parts.push(element("ul", {}, ...items));
    }
    const properties = Object.entries(schema.properties ?? {});
    if (properties.length > 0) {
      parts.push(rows(properties.map(([key, of]) => [key, typeOf(of), of.description ?? ""])));
    }
    for (const [, of] of properties) waiting.push(...referenced(of));
  }
  return parts;
}

function example(verb, path, operation) {
  const body = operation.requestBody?.content["application/json"].examples?.typical.value;
  const lines = [`curl -X ${verb} ${location.origin}${path}`];
  if (operation.security.length > 0) lines.push(`  -H "Authorization: Bearer $TOKEN"`);
  if (operation.requestBody) {
    const data = body === undefined ? "{}" : JSON.stringify(body);
    lines.push(`  -H "Content-Type: application/json"`, `  -d '${data}'`);
  }
  return element("pre", { tabindex: "0" }, lines.join(" \\\n"));
}

function inside(schemas, verb, path, operation) {
  const parts = [element("p", {}, operation.description), example(verb, path, operation)];
  if (operation.parameters.length > 0) {
    parts.push(element("h3", {}, "Parameters"));
    parts.push(
      rows(
        operation.parameters.map((parameter) => [
          parameter.name,
          `${parameter.in}, ${typeOf(parameter.schema)}`,
          parameter.description,
        ]),
      ),
    );
  }
  if (operation.requestBody) {
    const { schema } = operation.requestBody.content["application/json"];
    parts.push(element("h3", {}, "Request"), ...fields(schemas, nameOf(schema)));
  }
  const answer = operation.responses["200"];
  parts.push(element("h3", {}, "Answer"), element("p", {}, answer.description));
  const json = answer.content["application/json"];
  if (json) parts.push(...fields(schemas, nameOf(json.schema)));
  return parts;
}

function method(schemas, verb, path, operation) {
  const summary = element(
    "summary",
    {},
    element("span", { class: `verb ${verb}` }, verb),
    element("span", { class: "path" }, path),
    element("span", { class: "quiet" }, operation.summary),
  );
  const details = element("details", { id: operation.operationId }, summary);
  details.addEventListener("toggle", () => {
    if (details.open && details.childElementCount === 1) {
      const parts = inside(schemas, verb, path, operation);
      details.append(element("div", { class: "inside" }, ...parts));
    }
  });
  details.dataset.text = `${verb} ${path} ${operation.operationId} ${operation.summary}`.toLowerCase();
  return details;
}

function draw(openapi) {
  document.getElementById("about").textContent = openapi.info.description.replaceAll("`", "");
  const main = document.getElementById("methods");
  for (const tag of openapi.tags) {
    const section = element("section", {}, element("h2", {}, tag.name), element("p", {}, tag.description));
    for (const [path, verbs] of Object.entries(openapi.paths)) {
      for (const verb of VERBS) {
        if (verbs[verb]?.tags.includes(tag.name)) {
          section.append(method(openapi.components.schemas, verb.toUpperCase(), path, verbs[verb]));
        }
      }
    }
    main.append(section);
  }
  const find = document.getElementById("find");
  find.addEventListener("input", () => {
    const words = find.value.toLowerCase().split(/\s+/);
    for (const section of main.children) {
      let shown = 0;
      for (const details of section.querySelectorAll("details")) {
        details.hidden = !words.every((word) => details.dataset.text.includes(word));
        shown += !details.hidden;
      }
      section.hidden = shown === 0;
    }
  });
  const chosen = location.hash && document.getElementById(location.hash.slice(1));
  if (chosen instanceof HTMLDetailsElement) chosen.open = true;
}

const notice = document.getElementById("notice");
try {
  const answer = await fetch("/api/openapi.json");
  if (!answer.ok) throw new Error(`the house answered ${answer.status}`);
  draw(await answer.json());
  notice.hidden = true;
} catch (error) {
  notice.textContent = `The document cannot be read: ${error.message}`;
}
