/**
 * Writes a mermaid diagram of every machine, and of the peer's transition table, to docs/diagrams/, with an index.
 * `--check` writes nothing and fails when a file is stale or left over.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { AnyStateMachine, AnyStateNode } from 'xstate';
import { type DiagramSource, diagrams } from './diagram-sources.ts';

const folder = new URL('../docs/diagrams/', import.meta.url);
const check = process.argv.includes('--check');

interface Drawing {
  readonly lines: string[];
  /** What mermaid cannot draw, in words: transitions of a state that has states inside, into one of these. */
  readonly aside: string[];
}

/** A state's id in the diagram: mermaid knows no dots. */
const idOf = (node: AnyStateNode): string => node.path.join('_');

/** Mermaid ends a label at a colon or a semicolon. */
const asLabel = (text: string): string => text.replaceAll(/[:;\n]/gu, ' ');

const eventOf = (event: string, node: AnyStateNode): string => {
  if (event === '') return 'always';
  if (event.startsWith('xstate.after.')) return `after ${event.slice('xstate.after.'.length, -node.id.length - 1)}`;
  return event.startsWith('xstate.done.state.') ? 'done' : event;
};

const guardOf = (guard: unknown): string => {
  if (guard === undefined) return '';
  return typeof guard === 'string' ? ` [${guard}]` : ' [condition]';
};

const isWithin = (node: AnyStateNode, other: AnyStateNode): boolean =>
  node !== other && other.path.every((part, index) => node.path[index] === part);

/** States within that take the event and stay as they are. */
const unmoved = (node: AnyStateNode, event: string): string[] =>
  Object.values(node.states).flatMap((child) => {
    const stays = child.transitions.get(event)?.every(({ target }) => target === undefined) === true;
    return [...(stays ? [child.path.join('.')] : []), ...unmoved(child, event)];
  });

const sayAside = (node: AnyStateNode, to: AnyStateNode, event: string, label: string): string => {
  const where = node.path.length === 0 ? 'Anywhere' : `Within ${node.path.join('.')}`;
  const but = unmoved(node, event);
  return `- ${where}${but.length > 0 ? `, but in ${but.join(' and ')}` : ''}: \`${label}\` leads to ${to.path.join('.')}.`;
};

const drawTransitions = (node: AnyStateNode, { lines, aside }: Drawing, indent: string): void => {
  for (const { eventType, guard, target } of [...node.transitions.values(), node.always ?? []].flat()) {
    const label = asLabel(eventOf(eventType, node) + guardOf(guard));
    for (const to of target ?? []) {
      if (isWithin(to, node)) aside.push(sayAside(node, to, eventType, label));
      else lines.push(`${indent}${idOf(node)} --> ${idOf(to)}: ${label}`);
    }
  }
};

const drawInside = (node: AnyStateNode, drawing: Drawing, indent: string): void => {
  for (const child of Object.values(node.states)) {
    const nested = Object.keys(child.states).length > 0;
    drawing.lines.push(`${indent}state "${child.key}" as ${idOf(child)}${nested ? ' {' : ''}`);
    if (!nested) continue;
    drawInside(child, drawing, `${indent}  `);
    drawing.lines.push(`${indent}}`);
  }
  const initial = node.initial?.target?.[0];
  if (initial !== undefined) drawing.lines.push(`${indent}[*] --> ${idOf(initial)}`);
  for (const child of Object.values(node.states)) {
    drawTransitions(child, drawing, indent);
    if (child.type === 'final') drawing.lines.push(`${indent}${idOf(child)} --> [*]`);
  }
};

const drawMachine = ({ root }: AnyStateMachine): Drawing => {
  const drawing: Drawing = { lines: [], aside: [] };
  drawTransitions(root, drawing, '  ');
  drawInside(root, drawing, '  ');
  return drawing;
};

const drawTable = (table: Readonly<Record<string, Readonly<Record<string, string>>>>): Drawing => {
  const states = Object.entries(table);
  const lines = states.slice(0, 1).map(([initial]) => `  [*] --> ${initial}`);
  for (const [from, events] of states) {
    for (const [event, to] of Object.entries(events)) lines.push(`  ${from} --> ${to}: ${asLabel(event)}`);
    if (Object.keys(events).length === 0) lines.push(`  ${from} --> [*]`);
  }
  return { lines, aside: [] };
};

const GENERATED = 'Generated from the code by `npm run diagrams`.';

const page = ({ title, about, source }: DiagramSource): string => {
  const { lines, aside } = 'machine' in source ? drawMachine(source.machine) : drawTable(source.table);
  const diagram = ['```mermaid', 'stateDiagram-v2', ...lines, '```'].join('\n');
  const rest = aside.length > 0 ? `\nNot drawn:\n\n${aside.join('\n')}\n` : '';
  return `# ${title}\n\n${about}\n\n${GENERATED}\n\n${diagram}\n${rest}`;
};

const index = (): string => {
  const rows = diagrams.map(({ file, title, about }) => `- [${title}](${file}.md): ${about}`);
  return `# Diagrams\n\nEvery machine, and the table that a connection to a peer follows. ${GENERATED}\n\n${rows.join('\n')}\n`;
};

const readOld = (name: string): string | null => {
  try {
    return readFileSync(new URL(name, folder), 'utf8');
  } catch {
    return null;
  }
};

mkdirSync(folder, { recursive: true });
const pages = new Map([['README.md', index()], ...diagrams.map((source) => [`${source.file}.md`, page(source)] as const)]);
const stale = [...pages].filter(([name, text]) => readOld(name) !== text).map(([name]) => name);
const leftOver = readdirSync(folder).filter((name) => !pages.has(name));
if (!check) {
  for (const name of stale) writeFileSync(new URL(name, folder), pages.get(name) ?? '');
  for (const name of leftOver) rmSync(new URL(name, folder));
} else if (stale.length + leftOver.length > 0) {
  console.error(`Stale diagrams: ${[...stale, ...leftOver].join(', ')}. Run \`npm run diagrams\` and commit docs/diagrams.`);
  process.exitCode = 1;
}
