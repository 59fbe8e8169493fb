/** The one line that the keeper tells the application, as JSON on its standard output. */
export type KeeperAnswer = { readonly port: number } | { readonly error: string };
