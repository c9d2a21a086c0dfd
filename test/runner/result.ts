/** What came of a test or a check. */
export interface TestResult {
  readonly title: string;
  /** A test that is skipped or still to be written proves nothing: it counts as failed. */
  readonly outcome: 'passed' | 'failed' | 'skipped' | 'todo';
  readonly error: string | null;
}

/** Written as a test begins. */
export interface TestBegun {
  readonly begun: string;
}

export interface FileResult {
  /** A test file, or the name of a check. */
  readonly name: string;
  readonly tests: readonly TestResult[];
  readonly seconds: number;
  /** The end of what it printed. */
  readonly output: string;
}

export const isPassed = (test: TestResult): boolean => test.outcome === 'passed';
