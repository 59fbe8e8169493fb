import { RiverTransaction } from '../transaction/river-transaction.js';

/** The transaction helper of `RiverTestingModule`. */
export class FakeRiverTransaction extends RiverTransaction {}
