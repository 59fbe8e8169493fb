/** What clients of River send to the workers of a queue; `*` is every queue. */
export type ControlEvent =
  | { readonly action: 'pause' | 'resume'; readonly queue: string }
  | { readonly action: 'cancel'; readonly queue: string; readonly jobId: string };
