/** Turns one TypeScript file into a CommonJS one for a process that knows nothing of TypeScript. */
import { readFile, writeFile } from 'node:fs/promises';
import ts from 'typescript';

export async function transpile(source: string, target: string): Promise<void> {
  const { outputText } = ts.transpileModule(await readFile(source, 'utf8'), {
    compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022, esModuleInterop: true },
  });
  await writeFile(target, outputText);
}
