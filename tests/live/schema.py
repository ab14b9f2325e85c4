# SPDX-License-Identifier: GPL-3.0-or-later
# schema.py - hold what --json prints to the schema that is installed
"""schema.py available
schema.py valid SCHEMA FILE...
schema.py unseen SCHEMA FILE...
schema.py lines FILE
schema.py signal CORE NUMBER CODE

available: says what is missing, if anything is. valid: what is wrong in the
documents of each FILE, where every key has to be one of the schema's. unseen:
the keys of the schema that none of them has. lines: for each line the inputs
and errors of its document, and the outcome. signal: those of a made-up core
become others.
"""
import copy
import json
import struct
import sys


def documents(name):
    """All of a file, one behind the other."""
    with open(name, encoding='utf-8') as f:
        text = f.read().lstrip()
    decoder = json.JSONDecoder()
    while text:
        document, end = decoder.raw_decode(text)
        yield document
        text = text[end:].lstrip()


def read(name):
    return next(documents(name))


def strict(schema):
    """The same, but without keys that it does not know."""
    if isinstance(schema, list):
        return [strict(s) for s in schema]
    if not isinstance(schema, dict):
        return schema
    ret = {key: strict(value) for key, value in schema.items()}
    # what describes an object, not a key that is called so
    if isinstance(ret.get('properties'), dict) and 'required' in ret and \
            isinstance(ret['required'], list):
        ret.setdefault('additionalProperties', False)
    return ret


def valid(schema, files):
    import jsonschema

    kind = jsonschema.Draft202012Validator
    kind.check_schema(schema)
    validator = kind(strict(schema))
    for name in files:
        count = 0
        for document in documents(name):
            count += 1
            for error in list(validator.iter_errors(document))[:5]:
                while error.context:
                    error = max(error.context,
                                key=lambda e: len(e.absolute_path))
                where = '/'.join(map(str, error.absolute_path))
                print(f'{name}: {where}: {error.message[:200]}')
        if not count:
            print(f'{name}: there is nothing in it')


class Coverage:
    def __init__(self, schema):
        self.schema = schema
        self.seen = set()
        self.all = set()
        for name, part in schema['$defs'].items():
            self.find(part, name)

    def find(self, part, path):
        for key, value in part.get('properties', {}).items():
            self.all.add(f'{path}.{key}')
            self.find(value, f'{path}.{key}')
        if 'items' in part:
            self.find(part['items'], path)
        for option in part.get('oneOf', []):
            self.find(option, path)

    def walk(self, part, value, path):
        if '$ref' in part:
            path = part['$ref'].rsplit('/', 1)[1]
            part = self.schema['$defs'][path]
        if 'if' in part:
            side = 'then' if 'comparison' in value else 'else'
            self.walk(part[side], value, path)
        for option in part.get('oneOf', []):
            if value is not None and option != {'type': 'null'}:
                self.walk(option, value, path)
        if isinstance(value, list):
            for element in value:
                self.walk(part.get('items', {}), element, path)
        if isinstance(value, dict):
            for key, inner in part.get('properties', {}).items():
                if key in value:
                    self.seen.add(f'{path}.{key}')
                    self.walk(inner, value[key], f'{path}.{key}')


def unseen(schema, files):
    coverage = Coverage(schema)
    for name in files:
        for document in documents(name):
            coverage.walk(schema, document, '')
    print(''.join(f'{key}\n' for key in sorted(coverage.all - coverage.seen)),
          end='')
    if len(coverage.all) < 200:
        print(f'only {len(coverage.all)} keys were found in the schema')


def lines(name):
    with open(name, encoding='utf-8') as f:
        for line in f:
            d = json.loads(line)
            names = [i['name'] or str(i['pid']) for i in d['inputs']]
            names += ['!' + (e['name'] or str(e['pid'])) for e in d['errors']]
            print(' '.join(names or ['-']), d['summary']['outcome'],
                  d['summary']['inputs'], d['summary']['failed_inputs'])


def signal(name, number, code):
    """What was SIGUSR1 by kill() becomes that."""
    with open(name, 'rb') as f:
        data = f.read()
    old = struct.pack('<iii4xii', 10, 0, 0, 4100, 1000)
    new = struct.pack('<iii4xii', int(number), 0, int(code), 4100, 1000)
    if old not in data:
        print('there is no such signal')
    with open(name, 'wb') as f:
        f.write(data.replace(old, new))


def available():
    try:
        from jsonschema import Draft202012Validator  # noqa: F401
    except ImportError as error:
        print(f'{error}: python3-jsonschema 4 is needed')


def main():
    what, *args = sys.argv[1:]
    if what == 'available':
        available()
    elif what in ('valid', 'unseen'):
        schema = copy.deepcopy(read(args[0]))
        {'valid': valid, 'unseen': unseen}[what](schema, args[1:])
    else:
        {'lines': lines, 'signal': signal}[what](*args)


if __name__ == '__main__':
    main()
