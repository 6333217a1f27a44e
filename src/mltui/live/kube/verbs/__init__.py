"""What can be done to Kubernetes objects; one file a verb.

A verb acts on a `Ref` by its UID, so that an object that was made anew under the same name is left
alone (`ApiConflict`), and answers with a short sentence. What the person is asked first is beside
it; keys and dialogs are `actions`' part.
"""
