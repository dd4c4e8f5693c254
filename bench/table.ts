/**
 * What a benchmark gives, and the table it is shown in. Every comparison is between figures of one run on one machine;
 * absolute figures say little about another.
 */

export type Goal = ({ ratio: number } | { atMost: number }) & {
  /** What others need already leaves no room for it. It is shown as missed, and nothing fails. */
  outOfReach?: boolean;
};

export interface Row {
  /** What was measured, in words a user knows. */
  name: string;
  value: number;
  unit: string;
  /** What users would have otherwise, measured in the same run. */
  against?: { name: string; value: number };
  /** What the project promises. `ratio` is of cost: for rates (`more` is better) it is turned around. */
  goal?: Goal;
  /** Which direction is better; default `less`. */
  better?: 'less' | 'more';
}

/** Cost compared with the other one: 1 is equal, less is better, whatever the unit. */
export function ratioOf({ value, against, better }: Row): number | undefined {
  if (against === undefined) return undefined;
  return better === 'more' ? against.value / value : value / against.value;
}

/** Undefined where nothing is promised. */
export function keeps(row: Row): boolean | undefined {
  const ratio = ratioOf(row);
  if (row.goal === undefined) return undefined;
  if ('atMost' in row.goal) return row.value <= row.goal.atMost;
  return ratio === undefined ? undefined : ratio <= row.goal.ratio;
}

export function tableOf(rows: readonly Row[]): string {
  const head = ['measured', 'here', 'compared with', 'there', 'ratio', 'goal', ''];
  const lines = rows.map((row) => {
    const ratio = ratioOf(row);
    const kept = keeps(row);
    return [
      row.name,
      `${shown(row.value)} ${row.unit}`,
      row.against?.name ?? '',
      row.against === undefined ? '' : `${shown(row.against.value)} ${row.unit}`,
      ratio === undefined ? '' : ratio.toFixed(2),
      row.goal === undefined ? '' : `<= ${'ratio' in row.goal ? row.goal.ratio : `${row.goal.atMost} ${row.unit}`}`,
      kept === undefined ? '' : kept ? 'kept' : 'MISSED',
    ];
  });
  const widths = head.map((_, column) => Math.max(...[head, ...lines].map((line) => (line[column] ?? '').length)));
  const drawn = [head, widths.map((width) => '-'.repeat(width)), ...lines];
  return drawn
    .map((line) => `| ${line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`)
    .join('\n');
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  if (sorted.length === 0) return Number.NaN;
  const at = (sorted.length - 1) * share;
  const low = sorted[Math.floor(at)] ?? Number.NaN;
  const high = sorted[Math.ceil(at)] ?? Number.NaN;
  return low + (high - low) * (at - Math.floor(at));
}

function shown(value: number): string {
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en-US');
  if (Math.abs(value) >= 100) return value.toFixed(0);
  return Math.abs(value) >= 10 ? value.toFixed(1) : value.toFixed(2);
}
