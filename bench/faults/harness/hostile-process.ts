import { createServer, type AddressInfo } from 'node:net'
import { hostileAnswers } from './hostile-answers.ts'

/*
 * Receivers that speak raw TCP, so that they can answer what no HTTP server would. The path of a
 * request is the number of the answer it gets.
 */
const server = createServer((socket) => {
  socket.on('error', () => {})
  socket.on('data', (chunk: Buffer) => {
    const number = /^POST \/(\d+) HTTP/.exec(chunk.toString('latin1', 0, 100))?.[1]
    if (number !== undefined) hostileAnswers[Number(number)]?.answer(socket)
  })
})
process.on('disconnect', () => process.exit())
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
