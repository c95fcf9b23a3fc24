/**
 * Writes a mermaid diagram of every machine, and of the peer's transition table, to docs/diagrams/.
 * `--check` writes nothing and fails when a diagram is stale.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { AnyStateMachine, AnyStateNode } from 'xstate';
import { diagrams } from './diagram-sources.ts';

const folder = new URL('../docs/diagrams/', import.meta.url);
const check = process.argv.includes('--check');

/** A state's name in the diagram: mermaid knows no dots. */
const nameOf = (node: AnyStateNode): string => node.path.join('_');

const labelOf = (event: string): string => {
  if (event === '') return 'always';
  const after = /^xstate\.after\.(.+?)\.[^.]*$/u.exec(event);
  if (after) return `after ${after[1]}`;
  return event.replace(/^xstate\.done\.state\..*$/u, 'done');
};

const transitionsOf = (node: AnyStateNode): string[] => {
  const lines: string[] = [];
  for (const transition of [...node.transitions.values(), node.always ?? []].flat()) {
    const guard = typeof transition.guard === 'string' ? ` [${transition.guard}]` : transition.guard ? ' [when]' : '';
    for (const target of transition.target ?? []) lines.push(`${nameOf(node)} --> ${nameOf(target)}: ${labelOf(transition.eventType)}${guard}`);
  }
  return lines;
};

const statesOf = (node: AnyStateNode, indent: string): string[] => {
  const lines: string[] = [];
  const children = Object.values(node.states);
  const initial = node.initial?.target?.[0];
  if (initial) lines.push(`${indent}[*] --> ${nameOf(initial)}`);
  for (const child of children) {
    const nested = Object.values(child.states).length > 0;
    if (nested) {
      lines.push(`${indent}state ${nameOf(child)} {`);
      lines.push(...statesOf(child, `${indent}  `));
      lines.push(`${indent}}`);
    }
    lines.push(...transitionsOf(child).map((line) => indent + line));
    if (child.type === 'final') lines.push(`${indent}${nameOf(child)} --> [*]`);
  }
  return lines;
};

const machineDiagram = (machine: AnyStateMachine): string => {
  const root = machine.root;
  const anywhere = transitionsOf(root).map((line) => `%% from any state:${line}`);
  return ['stateDiagram-v2', ...statesOf(root, '  '), ...anywhere].join('\n');
};

const tableDiagram = (rows: readonly { readonly from: string; readonly event: string; readonly to: string }[]): string =>
  ['stateDiagram-v2', ...rows.map(({ from, event, to }) => `  ${from} --> ${to}: ${event}`)].join('\n');

mkdirSync(folder, { recursive: true });
const stale: string[] = [];
for (const { file, title, about, source } of diagrams) {
  const body = 'machine' in source ? machineDiagram(source.machine) : tableDiagram(source.table);
  const text = `# ${title}\n\n${about}\n\nGenerated from the code by \`npm run diagrams\`.\n\n\`\`\`mermaid\n${body}\n\`\`\`\n`;
  const path = new URL(`${file}.md`, folder);
  let old = '';
  try {
    old = readFileSync(path, 'utf8');
  } catch {
    // A diagram that is not there yet is stale.
  }
  if (old === text) continue;
  if (check) stale.push(file);
  else writeFileSync(path, text);
}
if (stale.length > 0) {
  console.error(`Stale diagrams: ${stale.join(', ')}. Run \`npm run diagrams\` and commit docs/diagrams.`);
  process.exitCode = 1;
}
