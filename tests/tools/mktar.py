# SPDX-License-Identifier: GPL-3.0-or-later
# mktar.py - write tar archives of a checkpoint as nobody should
"""
mktar.py KIND DIRECTORY ARCHIVE

DIRECTORY has the images. What KIND makes of them is said with each.
"""
import io
import os
import sys
import tarfile

GARBAGE = b'no image' * 1000


def add(tar, name, data):
    """A file."""
    info = tarfile.TarInfo(name)
    info.size = len(data)
    tar.addfile(info, io.BytesIO(data))


def link(tar, name, target, kind=tarfile.SYMTYPE):
    """A link."""
    info = tarfile.TarInfo(name)
    info.type = kind
    info.linkname = target
    tar.addfile(info)


def images(directory):
    """(name, contents) of all that is there."""
    for name in sorted(os.listdir(directory)):
        with open(os.path.join(directory, name), 'rb') as file:
            yield name, file.read()


def add_images(tar, directory, prefix):
    """The checkpoint as it is."""
    for name, data in images(directory):
        add(tar, prefix + name, data)


def upwards(tar, directory):
    """Nothing but names that lead upwards."""
    add_images(tar, directory, '../checkpoint/')
    add_images(tar, directory, 'checkpoint/../../')
    add_images(tar, directory, 'checkpoint/a/../')


def absolute(tar, directory):
    """Names from the root on."""
    add_images(tar, directory, '/var/lib/checkpoint/')


def symlinks(tar, directory):
    """Images of cores are links to somewhere else."""
    for name, data in images(directory):
        if name.startswith('core-'):
            link(tar, 'checkpoint/' + name, '/etc/passwd')
        else:
            add(tar, 'checkpoint/' + name, data)


def hardlinks(tar, directory):
    """The list of processes is a hard link to somewhere else."""
    for name, data in images(directory):
        if name == 'pstree.img':
            link(tar, 'checkpoint/' + name, '/etc/passwd',
                 tarfile.LNKTYPE)
        else:
            add(tar, 'checkpoint/' + name, data)


def devices(tar, directory):
    """Images of memory are devices and FIFOs."""
    for name, data in images(directory):
        if name.startswith('pages-'):
            link(tar, 'checkpoint/' + name, '', tarfile.CHRTYPE)
        elif name.startswith('pagemap-'):
            link(tar, 'checkpoint/' + name, '', tarfile.FIFOTYPE)
        else:
            add(tar, 'checkpoint/' + name, data)


def replaced(tar, directory):
    """All is there twice, first as garbage."""
    for name, _ in images(directory):
        add(tar, 'checkpoint/' + name, GARBAGE)
    add_images(tar, directory, './checkpoint/')


def spoilt(tar, directory):
    """All is there twice, then as garbage."""
    add_images(tar, directory, 'checkpoint/')
    for name, _ in images(directory):
        add(tar, './checkpoint/' + name, GARBAGE)


def relinked(tar, directory):
    """The cores are there, then links of the same names."""
    add_images(tar, directory, 'checkpoint/')
    for name, _ in images(directory):
        if name.startswith('core-'):
            link(tar, 'checkpoint/' + name, 'other.img')


def rehardened(tar, directory):
    """The list of processes is there, then a hard link of its name."""
    add_images(tar, directory, 'checkpoint/')
    link(tar, './checkpoint/pstree.img', 'checkpoint/other.img',
         tarfile.LNKTYPE)


def twice(tar, directory):
    """All is there, then as links to itself, as when tar is told twice."""
    add_images(tar, directory, 'checkpoint/')
    for name, _ in images(directory):
        link(tar, 'checkpoint/' + name, 'checkpoint/' + name,
             tarfile.LNKTYPE)


def crowd(tar, directory):
    """Thousands of others, with names that are hard to read."""
    for i in range(5000):
        add(tar, f'checkpoint/\033[31m{i}\n', b'')
        add(tar, f'checkpoint/fdinfo-{i}.img', GARBAGE[:10])
    add(tar, 'checkpoint/' + 'x' * 5000 + '/pstree.img', GARBAGE)
    add(tar, 'checkpoint/' + 'y/' * 3000 + 'pstree.img', GARBAGE)
    add_images(tar, directory, 'checkpoint/')


def loop(tar, directory):
    """It is its own parent, and one that is outside."""
    link(tar, 'checkpoint/parent', '.')
    link(tar, 'checkpoint/parent/parent', '../../../../etc')
    add_images(tar, directory, 'checkpoint/')


def foreign(tar, directory):
    """A directory that is not in English."""
    add_images(tar, directory, 'Prüfung/дамп/checkpoint/')


def nested(tar, directory):
    """An archive in the archive."""
    inner = io.BytesIO()
    with tarfile.open(fileobj=inner, mode='w') as other:
        add_images(other, directory, 'checkpoint/')
    add(tar, 'checkpoint/pages-1.img', inner.getvalue())
    add(tar, 'checkpoint.tar', inner.getvalue())


def several(tar, directory):
    """Two, and nothing says which."""
    add_images(tar, directory, 'one/')
    add_images(tar, directory, 'two/')


def huge(tar, directory):
    """An image that claims to be as large as a file can be."""
    add_images(tar, directory, 'checkpoint/')
    info = tarfile.TarInfo('checkpoint/pages-9.img')
    info.size = (1 << 63) - 1024
    tar.fileobj.write(info.tobuf(tarfile.GNU_FORMAT))
    tar.offset += 512


def sparse(tar, directory):
    """A hole of four exbibytes, which is in no header but its own."""
    add_images(tar, directory, 'checkpoint/')
    info = tarfile.TarInfo('checkpoint/GNUSparseFile.0/pages-9.img')
    info.pax_headers = {
        'GNU.sparse.major': '1',
        'GNU.sparse.minor': '0',
        'GNU.sparse.name': 'checkpoint/pages-9.img',
        'GNU.sparse.realsize': str(1 << 62),
    }
    data = b'1\n0\n512\n'.ljust(512, b'\0') + b'x' * 512
    info.size = len(data)
    tar.addfile(info, io.BytesIO(data))


def holes(tar, directory):
    """The pages with holes where they are zero, as GNU tar writes them."""
    for name, data in images(directory):
        if not name.startswith('pages-'):
            add(tar, 'checkpoint/' + name, data)
            continue
        parts = [i for i in range(0, len(data), 4096)
                 if any(data[i:i + 4096])]
        numbers = [len(parts)]
        for i in parts:
            numbers += [i, len(data[i:i + 4096])]
        table = ''.join(f'{n}\n' for n in numbers).encode()
        table += bytes(-len(table) % 512)
        info = tarfile.TarInfo('checkpoint/GNUSparseFile.0/' + name)
        info.pax_headers = {
            'GNU.sparse.major': '1',
            'GNU.sparse.minor': '0',
            'GNU.sparse.name': 'checkpoint/' + name,
            'GNU.sparse.realsize': str(len(data)),
        }
        packed = table + b''.join(data[i:i + 4096] for i in parts)
        info.size = len(packed)
        tar.addfile(info, io.BytesIO(packed))


def empty(tar, directory):
    """Other files of a container only."""
    add(tar, 'config.dump', b'{}')
    add(tar, 'spec.dump', b'{}')


KINDS = (upwards, absolute, symlinks, hardlinks, devices, replaced, spoilt,
         relinked, rehardened, twice, crowd, loop, foreign, nested, several,
         huge, sparse, holes, empty)


def main():
    kind, directory, archive = sys.argv[1:]
    with tarfile.open(archive, 'w', format=tarfile.PAX_FORMAT) as tar:
        {k.__name__: k for k in KINDS}[kind](tar, directory)


if __name__ == '__main__':
    main()
