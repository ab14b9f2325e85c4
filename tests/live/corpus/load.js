// SPDX-License-Identifier: GPL-3.0-or-later
// load.js - JavaScript for signals to interrupt, compiled while it runs
//
// Computes in the main thread and in two workers until the other end of
// standard input is closed. Status 0 if all is right.

'use strict';
const { Worker, isMainThread, parentPort } = require('worker_threads');

function collatz(start) {
	let steps = 0;
	for (let n = start; n !== 1; steps++)
		n = n % 2 === 0 ? n / 2 : 3 * n + 1;
	return steps;
}

function numbers() {
	let sum = 0;
	for (let i = 1; i < 300; i++)
		sum += collatz(i);
	return sum;
}

function floats() {
	const a = new Float64Array(1000);
	for (let i = 0; i < a.length; i++)
		a[i] = Math.sqrt(i) * Math.sqrt(i);
	return Math.abs(a.reduce((x, y) => x + y, 0) - 499500) < 1e-6;
}

function objects() {
	const map = new Map();
	for (let i = 0; i < 300; i++)
		map.set('key ' + i, { value: i });
	let sum = 0;
	for (const { value } of map.values())
		sum += value;
	return sum === 44850 && JSON.parse(JSON.stringify([...map])).length === 300;
}

const expected = numbers();
let wrong = 0;

function turn() {
	for (let i = 0; i < 5; i++)
		wrong += numbers() !== expected || !floats() || !objects();
}

function go_on() {
	turn();
	setTimeout(go_on, 2);
}

if (isMainThread) {
	let workers = [new Worker(__filename), new Worker(__filename)];
	let left = workers.length;
	for (const worker of workers)
		worker.on('message', (bad) => {
			wrong += bad;
			if (--left === 0)
				process.exit(wrong ? 1 : 0);
		});
	process.stdin.on('end', () => {
		for (const worker of workers)
			worker.postMessage('end');
	});
	process.stdin.resume();
	setTimeout(() => console.log('READY'), 200);
} else {
	parentPort.on('message', () => {
		parentPort.postMessage(wrong);
	});
}
go_on();
