import { ApiError, get, post } from './api.js';
import { byId, element } from './dom.js';
import { onSubmit } from './form.js';

/** The answer to an order that was told to fail, when it did. */
const FAILED_ON_PURPOSE = 422;

export function enableOrderForm() {
  onSubmit(byId('order-form'), 'The order was refused', async (values) => {
    const before = await get('overview');
    const message = await place(values);
    showLedger(before, await get('overview'), message);
  });
}

async function place({ email, sku, quantity, fail }) {
  const order = { email, items: [{ sku, quantity: Number(quantity) }] };
  try {
    const placed = await post('orders', { ...order, failAfterInsert: fail === 'yes' });
    return `Order ${placed.order.id} is stored, with jobs #${placed.jobIds.join(' and #')}.`;
  } catch (error) {
    if (error instanceof ApiError && error.status === FAILED_ON_PURPOSE) return error.message;
    throw error;
  }
}

function showLedger(before, after, message) {
  const row = (name, key) =>
    element(
      'tr',
      {},
      element('th', { scope: 'row' }, name),
      element('td', {}, before[key].toLocaleString()),
      element('td', {}, after[key].toLocaleString()),
    );
  const head = ['', 'before', 'after'].map((text) =>
    element(text ? 'th' : 'td', text ? { scope: 'col' } : {}, text),
  );
  const table = element(
    'table',
    {},
    element('thead', {}, element('tr', {}, ...head)),
    element('tbody', {}, row('Orders', 'orders'), row('Jobs', 'jobs')),
  );
  const left = after.orders - before.orders + after.jobs - before.jobs;
  const verdict = left === 0 ? 'Nothing is left behind. ' : '';
  const ledger = byId('ledger');
  ledger.replaceChildren(table, element('p', {}, element('strong', {}, verdict), message));
  ledger.hidden = false;
}
