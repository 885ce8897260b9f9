import { expect, it } from 'vitest';
import { roomsLeftOut, roomsOfCommand } from './image-rooms.ts';

it('finds the rooms that the command needs, through others and where they are loaded late, and which an image lacks', () => {
  const modules = [
    { path: 'cli/a.ts', source: "import { x } from '../one/index.ts';" },
    { path: 'cli/a.test.ts', source: "import { x } from '../only-tested/index.ts';" },
    { path: 'one/index.ts', source: "export { y } from '../two/index.ts';" },
    { path: 'two/index.ts', source: "const z = await import('../three/index.ts');" },
    { path: 'three/index.ts', source: '' },
    { path: 'only-tested/index.ts', source: '' },
    { path: 'nobodys/index.ts', source: '' },
  ];
  const rooms = roomsOfCommand(modules);
  expect(rooms).toEqual(['cli', 'one', 'three', 'two']);
  expect(roomsLeftOut(rooms, '*\n!cli\n!one\n!two\n')).toEqual(['three']);
});
