/** SQL: whether a job of River's is not finished yet. */
export const UNFINISHED = `exists (select from public.river_job where state in ('available', 'running'))`;
