"""The programs that a board is given to run: MicroPython of 1.20 and later, no module that a stock interpreter lacks.

They are text, not modules, since each is sent over the line: short names, one blank an indent. `TOOLS` comes first and stays
in the interpreter until its next soft reset; every other program may use what it defines. What a program has to say it prints
as one line of JSON.
"""

# what all programs need: the SHA-256 of a file as hex, what a path is, and data that was made smaller; prints whether it can be
TOOLS = """
import os,sys,json
from binascii import a2b_base64,hexlify
from hashlib import sha256
def _sha(p):
 h=sha256();b=bytearray(1024);v=memoryview(b)
 with open(p,'rb') as f:
  while 1:
   n=f.readinto(b)
   if not n:break
   h.update(v[:n])
 return hexlify(h.digest()).decode()
def _is(p):
 try:
  return os.stat(p)[0]
 except OSError:
  return 0
def _inflate(d):
 import deflate,io
 return deflate.DeflateIO(io.BytesIO(d),deflate.ZLIB).read()
try:
 import deflate
 print(1)
except ImportError:
 print(0)
"""

# what a board is; `shadow` is where a module of ours is found before /lib, `main` the first line of main.py
FACTS = """
def _facts():
 i=sys.implementation
 d={'version':list(i.version)[:3],'platform':sys.platform,'mpy':getattr(i,'_mpy',0),'bits':64 if sys.maxsize>>31 else 32}
 d['machine']=getattr(i,'_machine','') or os.uname().machine
 try:
  import machine
  d['uid']=hexlify(machine.unique_id()).decode()
 except (ImportError,AttributeError):
  d['uid']=''
 s=os.statvfs('/')
 d['block']=s[0];d['free']=s[0]*s[3];d['total']=s[0]*s[2]
 d['fs']=''
 try:
  import vfs
  d['fs']=[str(f) for f,p in vfs.mount() if p=='/'][0]
 except Exception:
  pass
 try:
  with open('/lib/tincall.json') as f:d['installed']=json.load(f)
 except (OSError,ValueError):
  d['installed']=None
 try:
  with open('/main.py') as f:d['main']=f.read(4096)
 except (OSError,ValueError):
  d['main']='' if not _is('/main.py') else '?'
 d['shadow']=''
 for m in ('callcore','handset'):
  try:
   p=getattr(__import__(m),'__file__','/lib/')
   if not p.startswith('/lib/'):d['shadow']=p
  except Exception:
   pass
 print(json.dumps(d))
_facts()
"""

# size and SHA-256 of the files right in some folders whose names begin in some way; a folder that is not there has none
TREE = """
def _tree(folders):
 t={}
 for d,w in folders:
  try:
   n=[e[0] for e in os.ilistdir(d or '/') if e[1]==0x8000 and any(e[0].startswith(b) for b in w)]
  except OSError:
   n=[]
  for f in n:
   p=d+'/'+f
   t[p]=[os.stat(p)[6],_sha(p)]
 print(json.dumps(t))
_tree(%r)
"""

HASHES = """
print(json.dumps({p:_sha(p) for p in %r if _is(p)&0x8000}))
"""

MAKE_FOLDERS = """
for p in %r:
 if not _is(p):os.mkdir(p)
"""

REMOVE = """
for p in %r:
 try:
  os.remove(p)
 except OSError as e:
  if e.errno!=2:raise
"""

RENAME = """
os.rename(%r,%r)
"""

# the serial number, by the firmware that is installed; its key stays where it is
SERIAL_NUMBER = """
def _sn():
 try:
  import board
  from handset import identity,places
  from handset.store import Store
  return identity.load(Store(places.open_places(board))).sn
 except Exception:
  return ''
print(json.dumps(_sn()))
"""

RESET = "import machine\nmachine.reset()"
