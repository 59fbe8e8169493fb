import { expect, test } from '@jest/globals';
import { controlEvent, insertedQueue, leadershipEvent } from '../../../lib/worker/listen/topics.js';

const NOT_ONE = ['', 'x', 'null', '[]', '7', '"default"', '{}', '{"queue":7}', '{"action":{}}'];

test.each(NOT_ONE)('The payload %j is not taken for a notification', (payload) => {
  expect(insertedQueue(payload)).toBeUndefined();
  expect(controlEvent(payload)).toBeUndefined();
  expect(leadershipEvent(payload)).toBeUndefined();
});

test('An insert names its queue', () => {
  expect(insertedQueue('{"queue": "default"}')).toBe('default');
  expect(insertedQueue('{"queue":"a","more":[1]}')).toBe('a');
});

test.each([
  ['{"action":"pause","queue":"default"}', { action: 'pause', queue: 'default' }],
  ['{"queue":"*","action":"resume"}', { action: 'resume', queue: '*' }],
  [
    '{"action" : "cancel", "job_id" : 7, "queue" : "default"}',
    { action: 'cancel', queue: 'default', jobId: '7' },
  ],
  [
    '{"action":"cancel","job_id":9223372036854775807,"queue":"a"}',
    { action: 'cancel', queue: 'a', jobId: '9223372036854775807' },
  ],
])('%s is a control event', (payload, event) => {
  expect(controlEvent(payload)).toEqual(event);
});

test.each([
  '{"action":"metadata_changed","metadata":{"a":1},"queue":"default"}',
  '{"action":"dance","queue":"default"}',
  '{"action":"cancel","queue":"default"}',
  '{"action":"cancel","job_id":1.5,"queue":"default"}',
  '{"action":"pause"}',
])('%s is none', (payload) => {
  expect(controlEvent(payload)).toBeUndefined();
});

test.each([
  ['{"leader_id" : "x", "action" : "resigned"}', { action: 'resigned', leaderId: 'x' }],
  ['{"action":"request_resign","leader_id":""}', { action: 'request_resign', leaderId: '' }],
  ['{"action":"request_resign"}', { action: 'request_resign', leaderId: '' }],
])('%s is of an election', (payload, event) => {
  expect(leadershipEvent(payload)).toEqual(event);
});
