// The part of Markdown that models write, as elements. The text is a stranger's: it becomes text nodes, and links only
// lead to pages. Nothing is loaded.
import { copyButton, element } from "./dom.js";

const deepest = 8;
const fenceStart = /^ {0,3}(`{3,}|~{3,})\s*([^\s`]*)/;
const heading = /^ {0,3}(#{1,6})\s+(.*)$/;
const rule = /^ {0,3}(?:(?:-[ \t]*){3,}|(?:\*[ \t]*){3,}|(?:_[ \t]*){3,})$/;
const quote = /^ {0,3}> ?/;
const listItem = /^( *)([-*+]|\d{1,9}[.)])( +|$)/;
const tableRule = /^ {0,3}\|?(?: *:?-+:? *\|)+(?: *:?-+:? *)?$/;
const link = /\[([^[\]]*)\]\(\s*<?([^\s()<>]*(?:\([^\s()<>]*\)[^\s()<>]*)*)>?(?:\s+"[^"]*")?\s*\)/y;
const address = /https?:\/\/[^\s<>"'`[\]{}|\\^]+/y;
const escapable = /[!-/:-@[-`{-~]/;
const wordCharacter = /[\p{L}\p{N}_]/u;

/**
 * Shows a text that grows: blocks that did not change keep their elements, so that a selection survives, and so does
 * the focus. Returns the number of blocks that are complete.
 */
export function render(container, text) {
  const blocks = parseBlocks(text.split("\n"));
  const shown = container.shownBlocks ?? [];
  let same = 0;
  while (same < blocks.length && same < shown.length && blocks[same].source === shown[same]) {
    same++;
  }

  while (container.childElementCount > same) {
    container.lastElementChild.remove();
  }

  container.append(...blocks.slice(same).map(block => build(block, 0)));
  container.shownBlocks = blocks.map(block => block.source);
  return Math.max(0, blocks.length - 1);
}

function parseBlocks(lines) {
  const blocks = [];
  for (let at = 0; at < lines.length;) {
    const start = at;
    const block = parseBlock(lines, start);
    at = block.end;
    if (block.type !== "blank") {
      block.source = lines.slice(start, at).join("\n");
      blocks.push(block);
    }
  }

  return blocks;
}

function parseBlock(lines, at) {
  const line = lines[at];
  if (line.trim() === "") {
    return { type: "blank", end: at + 1 };
  }

  const fence = fenceStart.exec(line);
  if (fence) {
    return parseCode(lines, at, fence);
  }

  const title = heading.exec(line);
  if (title) {
    return { type: "heading", level: title[1].length, text: title[2].replace(/\s#+\s*$/, ""), end: at + 1 };
  }

  if (rule.test(line)) {
    return { type: "rule", end: at + 1 };
  }

  if (quote.test(line)) {
    const end = findEnd(lines, at, next => !quote.test(next));
    return { type: "quote", lines: lines.slice(at, end).map(quoted => quoted.replace(quote, "")), end };
  }

  if (listItem.test(line)) {
    return parseList(lines, at);
  }

  if (isTable(lines, at)) {
    const end = findEnd(lines, at + 2, next => !next.includes("|"));
    return { type: "table", head: cellsOf(line), rows: lines.slice(at + 2, end).map(cellsOf), end };
  }

  const end = findEnd(lines, at + 1, (next, i) => next.trim() === "" || startsBlock(lines, i));
  return { type: "paragraph", text: lines.slice(at, end).map(part => part.trim()).join("\n"), end };
}

function findEnd(lines, from, isPast) {
  let end = from;
  while (end < lines.length && !isPast(lines[end], end)) {
    end++;
  }

  return end;
}

function startsBlock(lines, at) {
  const line = lines[at];
  return fenceStart.test(line) || heading.test(line) || rule.test(line) || quote.test(line) || isTable(lines, at)
    || /^ {0,3}(?:[-*+]|1[.)]) +\S/.test(line);
}

function isTable(lines, at) {
  return lines[at].includes("|") && at + 1 < lines.length && tableRule.test(lines[at + 1]);
}

function parseCode(lines, at, [, marks, language]) {
  const indent = lines[at].search(/\S/);
  const isClosing = line => {
    const text = line.trim();
    return text.length >= marks.length && text === marks[0].repeat(text.length);
  };
  const end = findEnd(lines, at + 1, isClosing);
  const code = lines.slice(at + 1, end).map(line => line.slice(Math.min(indent, Math.max(0, line.search(/\S|$/))))).join("\n");
  return { type: "code", language, code, end: Math.min(end + 1, lines.length) };
}

function parseList(lines, at) {
  const [, indent, firstMark] = listItem.exec(lines[at]);
  const isOrdered = /\d/.test(firstMark);
  const items = [];
  let end = at;
  while (end < lines.length) {
    const line = lines[end];
    const item = listItem.exec(line);
    const depth = line.search(/\S/);
    if (item && item[1].length <= indent.length + 1) {
      if (/\d/.test(item[2]) !== isOrdered || item[1].length < indent.length || rule.test(line)) {
        break;
      }

      items.push([line.slice(item[0].length)]);
    } else if (depth === -1) {
      // A blank line ends the list unless more of it follows.
      const next = lines.slice(end + 1, end + 3).find(other => other.trim() !== "");
      const more = next === undefined ? null : listItem.exec(next);
      if (next === undefined || (next.search(/\S/) <= indent.length && !(more && /\d/.test(more[2]) === isOrdered))) {
        break;
      }

      items.at(-1).push("");
    } else if (depth <= indent.length && (lines[end - 1].trim() === "" || startsBlock(lines, end))) {
      break;
    } else {
      items.at(-1).push(line.slice(Math.min(depth, indent.length + firstMark.length + 1)));
    }

    end++;
  }

  return { type: "list", isOrdered, first: Number.parseInt(firstMark, 10), items, end };
}

function cellsOf(line) {
  return line.trim().replace(/^\||\|$/g, "").split("|").map(cell => cell.trim());
}

function build(block, depth) {
  switch (block.type) {
    case "heading":
      // The page has the first two levels.
      return withInline(element(`h${Math.min(6, block.level + 2)}`), block.text, depth);
    case "rule":
      return element("hr");
    case "code":
      return element("div", { className: "code-block" },
        element("div", { className: "code-head" }, element("span", {}, block.language || "text"), copyButton(() => block.code)),
        element("pre", {}, element("code", {}, block.code)));
    case "quote":
      return withBlocks(element("blockquote"), block.lines, depth);
    case "list": {
      const list = element(block.isOrdered ? "ol" : "ul");
      if (block.isOrdered && block.first !== 1) {
        list.start = block.first;
      }

      list.append(...block.items.map(lines => withBlocks(element("li"), lines, depth)));
      return list;
    }
    case "table":
      return element("div", { className: "table" }, element("table", {},
        element("thead", {}, row(block.head, "th", depth)),
        element("tbody", {}, ...block.rows.map(cells => row(cells, "td", depth)))));
    default:
      return withInline(element("p"), block.text, depth);
  }
}

function row(cells, tag, depth) {
  return element("tr", {}, ...cells.map(cell => withInline(element(tag), cell, depth)));
}

function withBlocks(parent, lines, depth) {
  if (depth >= deepest) {
    parent.append(lines.join("\n"));
    return parent;
  }

  const blocks = parseBlocks(lines);
  for (const block of blocks) {
    if (block.type === "paragraph" && parent.tagName === "LI" && block === blocks[0]) {
      withInline(parent, block.text, depth);
    } else {
      parent.append(build(block, depth + 1));
    }
  }

  return parent;
}

function withInline(parent, text, depth) {
  // Marks without a partner: looking for one again and again would take a time that is quadratic in the length.
  const single = new Set();
  let plain = "";
  const flush = () => {
    if (plain !== "") {
      parent.append(plain);
      plain = "";
    }
  };
  for (let at = 0; at < text.length;) {
    const span = depth < deepest ? readSpan(text, at, depth, single) : null;
    if (span) {
      flush();
      parent.append(span.node);
      at = span.end;
    } else if (text[at] === "\\" && at + 1 < text.length && escapable.test(text[at + 1])) {
      plain += text[at + 1];
      at += 2;
    } else {
      // A run of marks that mean nothing is taken as a whole: its rest means nothing either.
      const run = "`*_".includes(text[at]) ? runLength(text, at) : 1;
      plain += text.slice(at, at + run);
      at += run;
    }
  }

  flush();
  return parent;
}

function readSpan(text, at, depth, single) {
  switch (text[at]) {
    case "\n":
      return { node: element("br"), end: at + 1 };
    case "`":
      return readCode(text, at);
    case "*":
    case "_":
      return readEmphasis(text, at, depth, single);
    case "!":
      return text[at + 1] === "[" ? readLink(text, at + 1, depth) : null;
    case "[":
      return readLink(text, at, depth);
    case "h":
      return readAddress(text, at);
    default:
      return null;
  }
}

function runLength(text, at) {
  let end = at;
  while (text[end] === text[at]) {
    end++;
  }

  return end - at;
}

function readCode(text, at) {
  const length = runLength(text, at);
  for (let end = text.indexOf("`", at + length); end !== -1; end = text.indexOf("`", end)) {
    const closing = runLength(text, end);
    if (closing === length) {
      const code = text.slice(at + length, end);
      return { node: element("code", {}, code.trim() === "" ? code : code.replace(/^ (.*) $/s, "$1")), end: end + length };
    }

    end += closing;
  }

  return null;
}

function readEmphasis(text, at, depth, single) {
  const mark = text[at];
  const length = Math.min(2, runLength(text, at));
  const start = at + length;
  if (/\s|^$/.test(text[start] ?? "") || (mark === "_" && wordCharacter.test(text[at - 1] ?? ""))) {
    return null;
  }

  const marks = mark.repeat(length);
  if (single.has(marks)) {
    return null;
  }

  for (let end = text.indexOf(marks, start + 1); end !== -1; end = text.indexOf(marks, end)) {
    const closing = runLength(text, end);
    const fits = closing === length || closing === 3;
    if (fits && !/\s/.test(text[end - 1]) && !(mark === "_" && wordCharacter.test(text[end + closing] ?? ""))) {
      const stop = end + closing - length;
      return { node: withInline(element(length === 2 ? "strong" : "em"), text.slice(start, stop), depth + 1), end: stop + length };
    }

    end += closing;
  }

  single.add(marks);
  return null;
}

function readLink(text, at, depth) {
  link.lastIndex = at;
  const match = link.exec(text);
  const target = match && safeTarget(match[2]);
  if (!target) {
    return null;
  }

  // Links do not nest.
  const isPlain = match[1] === "" || match[1].includes("http");
  return { node: withInline(anchor(target), match[1] || target, isPlain ? deepest : depth + 1), end: link.lastIndex };
}

function readAddress(text, at) {
  address.lastIndex = at;
  const found = address.exec(text)?.[0].replace(/[.,;:!?*_)]+$/, "");
  const target = found && safeTarget(found);
  return target ? { node: withInline(anchor(target), found, deepest), end: at + found.length } : null;
}

function anchor(target) {
  return element("a", { href: target, target: "_blank", rel: "noopener noreferrer nofollow", title: target });
}

function safeTarget(text) {
  const url = URL.parse(text);
  return url && ["http:", "https:", "mailto:"].includes(url.protocol) ? url.href : null;
}
