"""stub"""
class Table: pass
def table(*a, **k): raise NotImplementedError
