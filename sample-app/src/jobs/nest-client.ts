/** What the ids of workers in Nest begin with; the page shows by it who has worked a job. */
export const NEST_CLIENT = 'nest_';
