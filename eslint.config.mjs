import js from '@eslint/js';
import tseslint from 'typescript-eslint';

/** The layers: imports go down only. */
const FOLDERS = ['common', 'state', 'thekeys', 'google', 'sber', 'matter', 'simulators', 'cli', 'nodes'];
/** All folders but those that are named. */
const allBut = (...allowed) => FOLDERS.filter((name) => !allowed.includes(name)).map((name) => `**/${name}/**`);

/** What a folder may not import. */
const FORBIDDEN = {
  'src/common/**/*.ts': allBut('common'),
  'src/state/**/*.ts': allBut('common', 'state'),
  'src/thekeys/**/*.ts': allBut('common', 'state', 'thekeys'),
  'src/google/**/*.ts': allBut('common', 'state', 'google'),
  'src/sber/**/*.ts': allBut('common', 'state', 'sber'),
  'src/matter/**/*.ts': allBut('common', 'state', 'matter'),
  'simulators/**/*.ts': ['**/src/{state,thekeys,google,sber,matter,cli}/**', '**/nodes/**'],
  'src/cli/**/*.ts': ['**/nodes/**'],
  'nodes/**/*.ts': ['**/cli/**'],
  'editor/**/*.ts': ['**/state/**', '**/simulators/**', '**/cli/**', '**/nodes/**'],
};

export default tseslint.config(
  { ignores: ['dist/**', 'node_modules/**', 'coverage/**', 'docs/**', '.tmp/**'] },
  {
    files: ['**/*.ts'],
    extends: [js.configs.recommended, ...tseslint.configs.strictTypeChecked, ...tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { project: './tsconfig.test.json', tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      eqeqeq: 'error',
      'no-console': 'error',
    },
  },
  {
    files: ['editor/**/*.ts'],
    languageOptions: { parserOptions: { project: './tsconfig.editor.json' } },
    // Node-RED shows a sentence only of a validator that names its second parameter, used or not.
    rules: { '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }] },
  },
  {
    // Node-RED's own convention for a node file is `export =`, and its types are callbacks on `this`.
    files: ['nodes/*.ts'],
    rules: { '@typescript-eslint/no-this-alias': 'off' },
  },
  {
    files: ['test/**/*.ts', 'bench/**/*.ts', 'faults/**/*.ts'],
    rules: {
      'no-console': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unused-expressions': 'off',
      '@typescript-eslint/require-await': 'off',
    },
  },
  {
    // matter.js declares its structures as classes, and takes them as plain objects.
    files: ['src/matter/worker/**/*.ts', 'test/matter/**/*.ts', 'bench/matter.ts'],
    rules: { '@typescript-eslint/no-unsafe-class-instance-assignment': 'off' },
  },
  {
    files: ['src/**/*.ts', 'nodes/**/*.ts', 'editor/**/*.ts'],
    rules: { 'max-lines': ['error', 400], 'max-lines-per-function': ['error', 60] },
  },
  {
    // The node files themselves hold nothing but glue.
    files: ['nodes/*.ts'],
    rules: { 'max-lines': ['error', { max: 60, skipBlankLines: true, skipComments: true }] },
  },
  ...Object.entries(FORBIDDEN).map(([files, group]) => ({
    files: [files],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            { group, message: 'imports go down only' },
            ...(files.startsWith('src')
              ? [{ group: ['node-red', '@node-red/*'], message: 'src knows nothing of Node-RED' }]
              : []),
          ],
        },
      ],
      ...(files.startsWith('src') && !files.includes('cli')
        ? {
            'no-restricted-properties': [
              'error',
              { object: 'process', property: 'env', message: 'the environment is handed in' },
            ],
          }
        : {}),
    },
  })),
  {
    files: ['scripts/**/*.mjs', 'demo/**/*.mjs', 'eslint.config.mjs'],
    extends: [js.configs.recommended],
    languageOptions: {
      globals: {
        process: 'readonly',
        console: 'readonly',
        URL: 'readonly',
        setTimeout: 'readonly',
        clearTimeout: 'readonly',
        setInterval: 'readonly',
        fetch: 'readonly',
        Buffer: 'readonly',
        AbortSignal: 'readonly',
        performance: 'readonly',
        document: 'readonly',
        window: 'readonly',
        getComputedStyle: 'readonly',
      },
    },
  },
  {
    files: ['scripts/**/*.cjs'],
    extends: [js.configs.recommended],
    languageOptions: { sourceType: 'commonjs', globals: { process: 'readonly', require: 'readonly' } },
  },
);
